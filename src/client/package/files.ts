// `serverless-im-client/files`: files to send, and to show.
export { mediaUrl, type MediaUrlOptions, type NamesFile } from '../files/media-url.ts';
export { sendFile, uploadAvatar, type FileOptions, type FileType } from '../files/send-file.ts';
export type { UploadOptions } from '../files/upload.ts';
export type { Put, Uploader } from '../files/uploader.ts';
