/** One regular file of a tar archive. */
export interface TarFile {
  readonly path: string;
  readonly content: Uint8Array;
}

const text = (bytes: Uint8Array) => {
  const end = bytes.indexOf(0);
  return new TextDecoder("latin1").decode(end < 0 ? bytes : bytes.subarray(0, end));
};

/**
 * The regular files of an uncompressed tar archive (ustar; links, folders and extended headers are passed over).
 *
 * Throws on an archive that is cut short or whose header checksum is wrong. Source: POSIX.1-1988, ustar interchange format.
 */
export function* readTar(archive: Uint8Array): Generator<TarFile> {
  for (let at = 0; at + 512 <= archive.length; ) {
    const header = archive.subarray(at, at + 512);
    if (header.every((byte) => byte === 0)) return;
    // The checksum counts its own eight bytes as spaces.
    const sum = header.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 32 : byte), 0);
    const stored = Number.parseInt(text(header.subarray(148, 156)).trim(), 8);
    if (sum !== stored)
      throw new Error(`readTar: the header at byte ${at} has checksum ${stored}, expected ${sum}; the archive is damaged`);
    const size = Number.parseInt(text(header.subarray(124, 136)).trim() || "0", 8);
    const end = at + 512 + size;
    if (!(end <= archive.length))
      throw new Error(`readTar: the archive ends at byte ${archive.length}, before ${end}; it is cut short`);
    const type = header[156];
    const prefix = text(header.subarray(345, 500));
    const name = text(header.subarray(0, 100));
    if (type === 0x30 || type === 0)
      yield { path: prefix ? `${prefix}/${name}` : name, content: archive.subarray(at + 512, end) };
    at += 512 + Math.ceil(size / 512) * 512;
  }
}
