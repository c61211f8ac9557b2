import type { Dispatch, Work } from "./tape.ts";
import type { Sizes } from "./tensor.ts";

/** What one kernel did, over all its launches. */
export interface KernelProfile {
  kernel: string;
  launches: number;
  milliseconds: number;
  /** Floating-point operations and bytes moved by the launches. */
  flops: number;
  bytes: number;
}

/** Times every launch of every executor on its device by timestamp queries. */
export interface Profiler {
  /** Most launches of one call of `encode`. */
  readonly maxLaunches: number;
  /** Encodes each launch in a pass of its own between two timestamps; `submit` is to be called with the finished encoder. */
  encode(
    encoder: GPUCommandEncoder,
    dispatches: Dispatch[],
    sizes: Sizes,
    run: (pass: GPUComputePassEncoder, index: number) => void,
  ): void;
  /** To be called after the encoder was submitted. */
  submitted(): void;
  /** The kernels so far, the longest first; starts anew. */
  report(): Promise<KernelProfile[]>;
}

const MAX_LAUNCHES = 2048;
const [MAP_READ, COPY_DST, COPY_SRC, QUERY_RESOLVE] = [0x01, 0x08, 0x04, 0x200];

/** Throws where the device has no timestamp queries. */
export function createProfiler(gpu: GPUDevice): Profiler {
  if (!gpu.features.has("timestamp-query")) {
    throw new Error("createProfiler: this adapter has no timestamp queries; profile on another one, or time whole steps");
  }
  const bytes = MAX_LAUNCHES * 16;
  const queries = gpu.createQuerySet({ type: "timestamp", count: 2 * MAX_LAUNCHES });
  const resolved = gpu.createBuffer({ label: "timestamps", size: bytes, usage: QUERY_RESOLVE | COPY_SRC });
  const kernels = new Map<string, KernelProfile>();
  let reads: Promise<void>[] = [];
  let waiting: (() => void)[] = [];

  const add = (names: string[], work: Work[], times: BigUint64Array): void => {
    names.forEach((kernel, i) => {
      const profile = kernels.get(kernel) ?? { kernel, launches: 0, milliseconds: 0, flops: 0, bytes: 0 };
      kernels.set(kernel, profile);
      profile.launches++;
      profile.milliseconds += Number(times[2 * i + 1]! - times[2 * i]!) / 1e6;
      profile.flops += work[i]!.flops;
      profile.bytes += work[i]!.bytes;
    });
  };

  return {
    maxLaunches: MAX_LAUNCHES,
    encode(encoder, dispatches, sizes, run) {
      const names = dispatches.map(({ kernel }) => kernel.name);
      const work = dispatches.map((dispatch) => dispatch.work(sizes));
      dispatches.forEach((_, index) => {
        const timestampWrites = { querySet: queries, beginningOfPassWriteIndex: 2 * index, endOfPassWriteIndex: 2 * index + 1 };
        const pass = encoder.beginComputePass({ timestampWrites });
        run(pass, index);
        pass.end();
      });
      const staging = gpu.createBuffer({ size: bytes, usage: MAP_READ | COPY_DST });
      encoder.resolveQuerySet(queries, 0, 2 * dispatches.length, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, staging, 0, 16 * dispatches.length);
      waiting.push(() => {
        const read = staging.mapAsync(MAP_READ).then(() => {
          add(names, work, new BigUint64Array(staging.getMappedRange().slice(0, 16 * dispatches.length)));
          staging.destroy();
        });
        reads.push(read);
      });
    },
    submitted() {
      for (const read of waiting) read();
      waiting = [];
    },
    async report() {
      await Promise.all(reads);
      reads = [];
      const all = [...kernels.values()].sort((a, b) => b.milliseconds - a.milliseconds);
      kernels.clear();
      return all;
    },
  };
}
