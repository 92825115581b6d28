// What a message brings along: a picture in its place before it is there, players, anything else as a link.
import { useEffect, useState, type MouseEvent } from 'react';
import { ImError } from '../src/client/errors.ts';
import { useClient, useConnection } from '../src/client/react/hooks.ts';
import { sizeOf, type Attachment } from './texts.ts';
import type { Shown } from './timeline-items.ts';
import { words } from './words.ts';

interface AttachmentProps {
  readonly message: Shown;
  readonly attachment: Attachment;
}

export function AttachmentView(props: AttachmentProps) {
  const { type } = props.message;
  if (type === 'image') return <Picture {...props} />;
  const kind = props.attachment.mime?.split('/')[0];
  if (type === 'voice' || kind === 'audio') return <Player {...props} kind="audio" />;
  if (type === 'video' || kind === 'video') return <Player {...props} kind="video" />;
  return <FileLink {...props} />;
}

const LONGEST_PX = 360;
const SHORTEST_PX = 48;
/** Of those that do not say how large they are. */
const UNKNOWN_PX = 240;

function Picture({ message, attachment }: AttachmentProps) {
  const { name } = attachment;
  const { url, isBroken, onBroken } = useAddress(message);
  const place = placeOf(attachment);
  if (isBroken) {
    return (
      <p className="attachment problem">
        ⚠ {name} <small>{words.fileGone}</small>
      </p>
    );
  }
  return (
    <FileAnchor message={message} name={name} className="picture">
      <span className="place" style={place}>
        {url !== undefined && <img src={url} alt={name} onError={onBroken} />}
      </span>
    </FileAnchor>
  );
}

/** As large as it will be, before anything of it is there. */
function placeOf({ width = UNKNOWN_PX, height = UNKNOWN_PX }: Attachment) {
  const scale = Math.min(1, LONGEST_PX / width, LONGEST_PX / height);
  const [shownWidth, shownHeight] = [width, height].map((length) => Math.max(SHORTEST_PX, length * scale));
  return { width: shownWidth, aspectRatio: `${shownWidth} / ${shownHeight}` };
}

/** The link stays below it: not every browser plays everything. */
function Player({ kind: Kind, ...props }: AttachmentProps & { readonly kind: 'audio' | 'video' }) {
  const { message, attachment } = props;
  const { url, isBroken, onBroken } = useAddress(message);
  return (
    <>
      {!isBroken && (
        <Kind
          className="player"
          controls
          preload="metadata"
          aria-label={attachment.name}
          src={url}
          onError={onBroken}
          {...(Kind === 'video' && { style: placeOf(attachment) })}
        />
      )}
      <FileLink {...props} />
    </>
  );
}

function FileLink({ message, attachment: { name, size } }: AttachmentProps) {
  return (
    <p className="attachment">
      <span aria-hidden="true">📎</span>{' '}
      <FileAnchor message={message} name={name}>
        {name}
      </FileAnchor>
      {size !== undefined && <small> {sizeOf(size)}</small>}
    </p>
  );
}

interface FileAnchorProps {
  readonly message: Shown;
  readonly name: string;
  readonly className?: string;
  readonly children: React.ReactNode;
}

/** Asks where the file is when it is wanted: addresses are good for minutes. */
function FileAnchor({ message, name, className, children }: FileAnchorProps) {
  const client = useClient();
  const [problem, setProblem] = useState<string>();
  const open = async (event: MouseEvent) => {
    event.preventDefault();
    setProblem(undefined);
    try {
      const anchor = document.createElement('a');
      anchor.href = await client.mediaUrl(message);
      anchor.target = '_blank';
      anchor.rel = 'noreferrer noopener';
      anchor.download = name;
      anchor.click();
    } catch (error) {
      setProblem(isGone(error) ? words.fileGone : words.didNotWork((error as Error).message));
    }
  };
  return (
    <>
      <a
        className={className}
        href={`#${message.conversationId}`}
        title={name}
        onClick={(event) => void open(event)}
      >
        {children}
      </a>
      {problem && (
        <small className="problem" role="alert">
          {' '}
          {problem}
        </small>
      )}
    </>
  );
}

/** A client without a connection may have it later. */
const isGone = (error: unknown) => error instanceof ImError && !error.retryable;

function useAddress(message: Shown) {
  const client = useClient();
  const isConnected = useConnection().state === 'synced';
  const [url, setUrl] = useState<string>();
  const [failures, setFailures] = useState(0);
  const [isBroken, setBroken] = useState(false);
  useEffect(() => {
    let isWanted = true;
    const take = (found: string) => {
      if (failures > 0 && found === url) setBroken(true);
      // What is shown or played goes on as it is, when there is another address for it.
      else if (failures > 0 || url === undefined) setUrl(found);
    };
    client.mediaUrl(message, { anew: failures > 0 }).then(
      (found) => isWanted && take(found),
      (error: unknown) => isWanted && isGone(error) && setBroken(true),
    );
    return () => {
      isWanted = false;
    };
    // The message may be another object each time, and its file the same.
  }, [client, message.conversationId, message.seq, message.body['url'], isConnected, failures]);
  /** Its address may have been too old: another one is tried, once. */
  const onBroken = () => (failures === 0 ? setFailures(1) : setBroken(true));
  return { url, isBroken, onBroken };
}
