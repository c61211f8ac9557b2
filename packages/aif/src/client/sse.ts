/** One server-sent event. */
export interface ServerSentEvent {
  event: string;
  data: string;
}

/**
 * Splits a byte stream into server-sent events: any chunking, CRLF or LF or CR, UTF-8 split over chunks, BOM, comments.
 * An event that is not closed by an empty line is dropped, as the specification says: it is a cut stream.
 * Throws a TypeError on bytes that are no UTF-8.
 */
export async function* serverSentEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  let event = "";
  let data: string[] = [];
  for await (const line of lines(chunks)) {
    if (line === "") {
      if (data.length > 0) yield { event: event || "message", data: data.join("\n") };
      event = "";
      data = [];
      continue;
    }
    const colon = line.indexOf(":");
    if (colon === 0) continue;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "data") data.push(value);
    else if (field === "event") event = value;
  }
}

async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    // A CR at the very end may be half of a CRLF: leave it for the next chunk.
    const end = rest.endsWith("\r") ? rest.length - 1 : rest.length;
    const parts = rest.slice(0, end).split(/\r\n|\n|\r/);
    rest = parts.pop()! + rest.slice(end);
    yield* parts;
  }
  rest += decoder.decode();
  if (rest.endsWith("\r")) yield rest.slice(0, -1);
}
