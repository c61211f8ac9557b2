/** A protocol buffer message, field by field; the wire types that TensorBoard's events need. */
type Field = Uint8Array;

const VARINT = 0;
const DOUBLE = 1;
const BYTES = 2;
const FLOAT = 5;

const utf8 = new TextEncoder();

/** What one line of the log means to TensorBoard. */
export interface ScalarEvent {
  /** Seconds since 1970. */
  wallTime: number;
  step: number;
  scalars: Readonly<Record<string, number>>;
}

/** The first event of every file. */
export function versionEvent(wallTime: number): Uint8Array {
  return message([double(1, wallTime), bytes(3, utf8.encode("brain.Event:2"))]);
}

/** Says that a run begins at `step`: TensorBoard forgets what older files hold of this step and later ones. */
export function startEvent(wallTime: number, step: number): Uint8Array {
  return message([double(1, wallTime), varint(2, step), bytes(7, message([varint(1, 1)]))]);
}

/** `Event { wall_time = 1, step = 2, summary = 5 { value = 1 { tag = 1, simple_value = 2 } } }`; values become float32. */
export function scalarEvent({ wallTime, step, scalars }: ScalarEvent): Uint8Array {
  const values = Object.entries(scalars).map(([tag, value]) => bytes(1, message([bytes(1, utf8.encode(tag)), float(2, value)])));
  return message([double(1, wallTime), varint(2, step), bytes(5, message(values))]);
}

function message(fields: readonly Field[]): Uint8Array {
  const whole = new Uint8Array(fields.reduce((length, field) => length + field.length, 0));
  let at = 0;
  for (const field of fields) {
    whole.set(field, at);
    at += field.length;
  }
  return whole;
}

/** Seven bits a byte, the lowest first; also right beyond 2^32. */
function base128(value: number): number[] {
  const digits: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) digits.push((rest % 128) + 128);
  return [...digits, rest];
}

const key = (number: number, wireType: number): number => (number << 3) | wireType;

function varint(number: number, value: number): Field {
  return Uint8Array.from([key(number, VARINT), ...base128(value)]);
}

function bytes(number: number, content: Uint8Array): Field {
  return message([Uint8Array.from([key(number, BYTES), ...base128(content.length)]), content]);
}

function double(number: number, value: number): Field {
  const field = new Uint8Array(9);
  field[0] = key(number, DOUBLE);
  new DataView(field.buffer).setFloat64(1, value, true);
  return field;
}

function float(number: number, value: number): Field {
  const field = new Uint8Array(5);
  field[0] = key(number, FLOAT);
  new DataView(field.buffer).setFloat32(1, value, true);
  return field;
}
