import type { Model } from "../model.ts";
import { connectRedis } from "./connect.ts";
import { type RemoteModel, remoteModel } from "./remote-model.ts";

/** Runs `work` with models whose requests are sent by workers; without a URL they are sent by this process. */
export async function withWorkers<T>(
  redis: string | undefined,
  work: (place: (model: Model) => Model) => Promise<T>,
): Promise<T> {
  if (redis === undefined) return work((model) => model);
  const link = await connectRedis(redis);
  const remotes: RemoteModel[] = [];
  try {
    return await work((model) => {
      const remote = remoteModel(model, link);
      remotes.push(remote);
      return remote.model;
    });
  } finally {
    await Promise.all(remotes.map((remote) => remote.close()));
    link.close();
  }
}
