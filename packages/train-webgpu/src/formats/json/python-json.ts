import type { JsonValue } from "./strict-json.ts";

/** Keys that Python holds as floats, so that a whole number keeps its ".0" (typed configuration classes refuse an int there). */
const FLOAT_KEYS = new Set([
  "attention_dropout",
  "attention_factor",
  "beta_fast",
  "beta_slow",
  "embd_pdrop",
  "factor",
  "high_freq_factor",
  "initializer_range",
  "lora_dropout",
  "low_freq_factor",
  "partial_rotary_factor",
  "repetition_penalty",
  "resid_pdrop",
  "rms_norm_eps",
  "rope_theta",
  "router_aux_loss_coef",
  "temperature",
  "top_p",
]);

/**
 * Writes JSON as Hugging Face libraries write their configuration files: two spaces, keys sorted, floats kept floats, newline at the end.
 *
 * Throws `TypeError` for NaN and Infinity, naming the key.
 *
 * @example pythonJson({ rope_theta: 1000, hidden_size: 48 }) // '{\n  "hidden_size": 48,\n  "rope_theta": 1000.0\n}\n'
 */
export function pythonJson(value: JsonValue): string {
  return render(value, "", "") + "\n";
}

function render(value: JsonValue, key: string, indent: string): string {
  if (typeof value === "number") return number(value, key);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = indent + "  ";
  const parts = Array.isArray(value)
    ? value.map((entry) => inner + render(entry, key, inner))
    : Object.keys(value)
        .sort()
        .map((name) => `${inner}${JSON.stringify(name)}: ${render(value[name]!, name, inner)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return parts.length === 0 ? `${open}${close}` : `${open}\n${parts.join(",\n")}\n${indent}${close}`;
}

function number(value: number, key: string): string {
  if (!Number.isFinite(value))
    throw new TypeError(`pythonJson: ${key} is ${value}, which JSON cannot hold; give a finite number`);
  if (Number.isInteger(value)) return FLOAT_KEYS.has(key) && Math.abs(value) < 1e16 ? `${value}.0` : String(value);
  // Python's repr turns to exponents below 1e-4, with two digits.
  const text = Math.abs(value) < 1e-4 ? value.toExponential() : String(value);
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}
