// Where files are kept: clients put and get them there by URLs that are signed for one file, and for a quarter of an hour.

export interface SignedUpload {
  readonly url: string;
  /** To be sent with the file, as they are. */
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export interface UploadTerms {
  /** Exactly so many bytes are taken. */
  readonly sizeBytes: number;
  readonly mime: string;
  /** Goes after a day, unless it is kept by then. */
  readonly isProvisional: boolean;
}

export interface ObjectStore {
  signUpload(key: string, terms: UploadTerms): Promise<SignedUpload>;
  /** `name`: what browsers save it as. */
  signDownload(key: string, name?: string): Promise<Pick<SignedUpload, 'url' | 'expiresAt'>>;
  /** It is provisional no longer; nothing, if it is not there. */
  keep(key: string): Promise<void>;
  /** In place of what is there. */
  put(key: string, content: string, mime: string): Promise<void>;
  /** Nothing, if it is not there. */
  delete(key: string): Promise<void>;
}
