import { type FileHandle, open } from "node:fs/promises";

/** A longer line is no line of a log. */
const LONGEST_LINE = 2 ** 20;
const CHUNK = 2 ** 22;
/** So many bytes before the place that was read up to are compared, to notice a file that was written anew. */
const MEMORY = 256;

/** What came to a file since it was last looked at. */
export interface Appended {
  /** The file is another one than before: `lines` are all of it. */
  rewritten: boolean;
  lines: string[];
  /** Lines over 1 MiB, which are left out. */
  tooLong: number;
}

/** Reads what is new. */
export type Tail = () => Promise<Appended>;

/**
 * Follows a text file that grows line by line, reading each byte once. A last line without its end waits for it. A file that was cut,
 * replaced or removed is read anew; one that does not exist is empty.
 */
export function tailFile(path: string): Tail {
  let inode = 0;
  let at = 0;
  let before = Buffer.alloc(0);
  let rest = Buffer.alloc(0);
  let isSkipping = false;

  const isContinuation = async (file: FileHandle): Promise<boolean> => {
    const { ino, size } = await file.stat();
    if (ino !== inode || size < at) return false;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(before.length), 0, before.length, at - before.length);
    return buffer.subarray(0, bytesRead).equals(before);
  };
  const startOver = (ino: number): void => {
    [inode, at, before, rest, isSkipping] = [ino, 0, Buffer.alloc(0), Buffer.alloc(0), false];
  };

  return async () => {
    const found: Appended = { rewritten: false, lines: [], tooLong: 0 };
    const file = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (!file) {
      found.rewritten = at > 0;
      startOver(0);
      return found;
    }
    try {
      if (!(await isContinuation(file))) {
        found.rewritten = at > 0;
        startOver((await file.stat()).ino);
      }
      for (;;) {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(CHUNK), 0, CHUNK, at);
        if (bytesRead === 0) return found;
        const chunk = buffer.subarray(0, bytesRead);
        at += bytesRead;
        before = Buffer.concat([before, chunk]).subarray(-MEMORY);
        takeLines(chunk, found);
      }
    } finally {
      await file.close();
    }
  };

  function takeLines(chunk: Buffer, found: Appended): void {
    let text = Buffer.concat([rest, chunk]);
    for (let end = text.indexOf(10); end >= 0; end = text.indexOf(10)) {
      if (isSkipping || end > LONGEST_LINE) found.tooLong++;
      else if (end > 0) found.lines.push(text.toString("utf8", 0, end));
      isSkipping = false;
      text = text.subarray(end + 1);
    }
    // What is too long already need not be kept until its end comes.
    if (text.length > LONGEST_LINE) {
      isSkipping = true;
      text = Buffer.alloc(0);
    }
    rest = Buffer.from(text);
  }
}
