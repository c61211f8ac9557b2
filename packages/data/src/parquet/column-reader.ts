import type { FileMetaData } from "hyparquet";
import { coded } from "../files/file-error.ts";
import { type ChunkContext, chunkPages, type GroupBytes, type Page } from "./chunk-pages.ts";
import type { LeafColumn } from "./footer.ts";
import { codeOf } from "./limits.ts";
import { joined, type PageValues } from "./page-values.ts";

const NOTHING: PageValues = { next: () => undefined };

interface GroupPage extends Page {
  group: number;
}

/** Walks the entries of a column over all row groups of a file, one page in memory and the next on its way. */
export class ColumnReader {
  readonly leaf: LeafColumn;
  /** Rows that can be read before `advance` must be called. */
  ready = 0;
  /** The row group that the present rows are of. */
  group = 0;
  readonly #pages: AsyncGenerator<GroupPage>;
  #next: Promise<IteratorResult<GroupPage>>;
  #repetitions: Uint8Array | undefined;
  #definitions: Uint8Array | undefined;
  #values: PageValues = NOTHING;
  #entries = 0;
  #at = 0;
  #last = true;

  constructor(context: ChunkContext, index: number, metadata: FileMetaData, groups: readonly GroupBytes[]) {
    this.leaf = context.leaf;
    this.#pages = pagesOf(context, index, metadata, groups);
    this.#next = this.#pages.next();
    this.#next.catch(() => undefined);
  }

  /** Takes in pages until a row is complete; leaves `ready` 0 at the end of the file. */
  async advance(): Promise<void> {
    while (this.ready === 0) {
      const { done, value: page } = await this.#next;
      if (done) return;
      this.#next = this.#pages.next();
      this.#next.catch(() => undefined);
      this.#install(page);
    }
  }

  #install(page: GroupPage): void {
    const over = this.#entries - this.#at;
    if (over === 0) {
      this.#repetitions = page.repetitions;
      this.#definitions = page.definitions;
      this.#values = page.values;
    } else {
      // A row may go on in the next page: what there is of it moves in front of that.
      const from = this.#at;
      const values: unknown[] = [];
      for (let at = from; at < this.#entries; at++) if (this.#isPresent(at)) values.push(this.#values.next());
      this.#repetitions = join(this.#repetitions, page.repetitions, from);
      this.#definitions = join(this.#definitions, page.definitions, from);
      this.#values = joined(values, page.values);
    }
    this.#entries = over + page.entries;
    this.#at = 0;
    this.#last = page.last;
    this.group = page.group;
    this.ready = this.#completeRows();
  }

  #completeRows(): number {
    const levels = this.#repetitions;
    if (!levels) return this.#entries;
    if (this.#entries > 0 && levels[0] !== 0)
      throw new RangeError(`column ${this.leaf.path.join(".")}: a row starts in its middle`);
    let rows = 0;
    for (let at = 0; at < this.#entries; at++) if (levels[at] === 0) rows++;
    return this.#last ? rows : Math.max(0, rows - 1);
  }

  #isPresent(at: number): boolean {
    return this.#definitions === undefined || this.#definitions[at] === this.leaf.definition;
  }

  /** How much of the path to the next entry is there. */
  definition(): number {
    return this.#definitions === undefined ? this.leaf.definition : (this.#definitions[this.#at] ?? 0);
  }

  /** Whether the next entry goes on with the list of that level. */
  repeats(level: number): boolean {
    return this.#at < this.#entries && this.#repetitions?.[this.#at] === level;
  }

  /** The next entry: its value, or null. */
  read(): unknown {
    const at = this.#at++;
    if (!this.#isPresent(at)) return null;
    try {
      return this.#values.next();
    } catch (cause) {
      throw new RangeError(`column ${this.leaf.path.join(".")}: ${(cause as Error).message}`, { cause });
    }
  }

  skip(): void {
    this.#at++;
  }

  /** Whether the next entry starts a row, as it must after one that was read. */
  startsRow(): boolean {
    return this.#at === this.#entries || (this.#at < this.#entries && (this.#repetitions?.[this.#at] ?? 0) === 0);
  }
}

function join(before: Uint8Array | undefined, after: Uint8Array | undefined, from: number): Uint8Array | undefined {
  if (!before || !after) return undefined;
  const rest = before.subarray(from);
  const levels = new Uint8Array(rest.length + after.length);
  levels.set(rest);
  levels.set(after, rest.length);
  return levels;
}

/** The pages of a column over all row groups; each group must bring as many rows as it claims. */
async function* pagesOf(
  context: ChunkContext,
  index: number,
  { row_groups }: FileMetaData,
  groups: readonly GroupBytes[],
): AsyncGenerator<GroupPage> {
  for (const [group, { columns, num_rows }] of row_groups.entries()) {
    const rows = Number(num_rows);
    if (rows === 0) continue;
    try {
      let seen = 0;
      for await (const page of chunkPages(context, columns[index]!.meta_data!, rows, groups[group]!)) {
        seen += startedRows(page);
        if (seen > rows || (page.last && seen < rows)) throw new RangeError(`its pages hold ${seen} rows of ${rows}`);
        yield { ...page, group };
      }
      if (seen < rows) throw new RangeError(`its pages hold ${seen} rows of ${rows}`);
    } catch (cause) {
      const message = `row group ${group}: column ${context.leaf.path.join(".")}: ${(cause as Error).message}`;
      if ((cause as NodeJS.ErrnoException).syscall) throw cause;
      throw coded(new RangeError(message, { cause }), codeOf(cause));
    }
  }
}

function startedRows({ repetitions, entries }: Page): number {
  if (!repetitions) return entries;
  let rows = 0;
  for (let i = 0; i < entries; i++) if (repetitions[i] === 0) rows++;
  return rows;
}
