import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT_NEEDED = 1;
const DT_STRTAB = 5;

/** Libraries of the C and C++ run time. Node and Dawn need them too, so the system has them, and a second copy would break the process. */
const runtimeLibrary = /^(ld-linux.*|lib(c|m|dl|rt|pthread|resolv|util|gcc_s|stdc\+\+)\.so\.\d+|linux-vdso\.so\.1)$/;

/** The fields of an ELF program header that matter here; offsets and addresses in bytes. */
interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

/**
 * The sonames that a 64-bit little-endian ELF file asks the linker for (its DT_NEEDED entries, in order).
 *
 * Throws when the file is no such ELF file. Source: System V ABI, ELF-64 object file format, "dynamic section".
 */
export function neededLibraries(file: string): string[] {
  const descriptor = openSync(file, "r");
  try {
    const size = statSync(file).size;
    const read = (offset: number, length: number): Buffer => {
      if (offset + length > size)
        throw new Error(`neededLibraries: ${file} ends at byte ${size}, before ${offset + length}; it is cut short`);
      const buffer = Buffer.alloc(length);
      readSync(descriptor, buffer, 0, length, offset);
      return buffer;
    };
    return neededNames(file, read, size);
  } finally {
    closeSync(descriptor);
  }
}

function neededNames(file: string, read: (offset: number, length: number) => Buffer, size: number): string[] {
  const header = read(0, Math.min(64, size));
  if (header.length < 64 || header.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2 || header[5] !== 1)
    throw new Error(`neededLibraries: ${file} is no 64-bit little-endian ELF file`);
  const segments = programHeaders(header, read);
  const dynamic = segments.find((segment) => segment.type === PT_DYNAMIC);
  if (!dynamic) return [];
  const entries = dynamicEntries(read(dynamic.offset, dynamic.size));
  const stringsAddress = entries.find(([tag]) => tag === DT_STRTAB)?.[1] ?? 0;
  const load = segments.find(
    ({ type, address, size }) => type === PT_LOAD && stringsAddress >= address && stringsAddress < address + size,
  );
  if (!load) throw new Error(`neededLibraries: ${file} has a dynamic section without a string table; it is damaged`);
  const strings = load.offset + stringsAddress - load.address;
  return entries
    .filter(([tag]) => tag === DT_NEEDED)
    .map(([, offset]) => {
      const name = read(strings + offset, Math.min(256, size - strings - offset));
      return name.toString("latin1", 0, name.indexOf(0));
    });
}

function programHeaders(header: Buffer, read: (offset: number, length: number) => Buffer): Segment[] {
  const start = Number(header.readBigUInt64LE(32));
  const entrySize = header.readUInt16LE(54);
  const count = header.readUInt16LE(56);
  const table = read(start, entrySize * count);
  return Array.from({ length: count }, (_, index) => {
    const at = index * entrySize;
    return {
      type: table.readUInt32LE(at),
      offset: Number(table.readBigUInt64LE(at + 8)),
      address: Number(table.readBigUInt64LE(at + 16)),
      size: Number(table.readBigUInt64LE(at + 32)),
    };
  });
}

function dynamicEntries(section: Buffer): [tag: number, value: number][] {
  const entries: [number, number][] = [];
  for (let at = 0; at + 16 <= section.length; at += 16) {
    const tag = Number(section.readBigInt64LE(at));
    if (tag === 0) break;
    entries.push([tag, Number(section.readBigUInt64LE(at + 8))]);
  }
  return entries;
}

/**
 * `roots` and everything they need that lies in `directories`, each file after the files that it needs.
 *
 * The run-time libraries of C and C++ are left to the system, and so is a name found in none of the folders unless `strict` is set.
 * Throws under `strict` when a library is in none of the folders.
 */
export function loadOrder(roots: readonly string[], directories: readonly string[], { strict = false } = {}): string[] {
  const order: string[] = [];
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const name of neededLibraries(file)) {
      if (runtimeLibrary.test(name)) continue;
      const found = directories.map((directory) => join(directory, name)).find((candidate) => existsSync(candidate));
      if (found) visit(found);
      else if (strict) throw new Error(`loadOrder: ${file} needs ${name}, which is in none of ${directories.join(", ")}`);
    }
    order.push(file);
  };
  for (const root of roots) visit(root);
  return order;
}
