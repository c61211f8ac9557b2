// Dual arithmetic in float32: vec3f(value, d/d first variable, d/d second variable). Sums and differences are WGSL's own.
// The builtins exp and log lose digits for large arguments and near 1, so both are reduced by hand.

fn loss_constant(x: f32) -> vec3f { return vec3f(x, 0.0, 0.0); }

fn loss_chain(slope: f32, value: f32, a: vec3f) -> vec3f { return vec3f(value, slope * a.yz); }

fn loss_mul(a: vec3f, b: vec3f) -> vec3f { return vec3f(a.x * b.x, a.yz * b.x + a.x * b.yz); }

fn loss_div(a: vec3f, b: vec3f) -> vec3f {
  let ratio = a.x / b.x;
  return vec3f(ratio, (a.yz - ratio * b.yz) / b.x);
}

fn loss_square(a: vec3f) -> vec3f { return loss_chain(2.0 * a.x, a.x * a.x, a); }

// e^x = 2^k e^r with |r| <= ln 2 / 2; ln 2 in two parts keeps r exact. Saturates at e^80, and below e^-87 (the smallest
// normal number), where flushing differs between adapters.
fn loss_exp_value(x: f32) -> f32 {
  let bounded = clamp(x, -87.0, 80.0);
  let k = round(bounded * 1.44269504);
  let r = fma(k, 2.12194440e-4, fma(k, -0.693359375, bounded));
  return ldexp(exp(r), i32(k));
}

// log(1 + y) for -1/2 <= y <= 1: 2 atanh(s) with s = y / (2 + y), |s| <= 1/3.
fn loss_log1p_value(y: f32) -> f32 {
  let s = y / (2.0 + y);
  let q = s * s;
  var series = 1.0 / 15.0;
  series = fma(series, q, 1.0 / 13.0);
  series = fma(series, q, 1.0 / 11.0);
  series = fma(series, q, 1.0 / 9.0);
  series = fma(series, q, 1.0 / 7.0);
  series = fma(series, q, 1.0 / 5.0);
  series = fma(series, q, 1.0 / 3.0);
  return 2.0 * s * fma(series, q, 1.0);
}

// e^x - 1, given e^x: the Taylor series where the difference would cancel.
fn loss_expm1_value(x: f32, exp_x: f32) -> f32 {
  let small = clamp(x, -0.7, 0.7);
  var series = 1.0;
  for (var n = 10.0; n > 1.0; n -= 1.0) { series = fma(series, small / n, 1.0); }
  return select(exp_x - 1.0, x * series, small == x);
}

fn loss_exp(a: vec3f) -> vec3f {
  let value = loss_exp_value(a.x);
  return loss_chain(value, value, a);
}

fn loss_expm1(a: vec3f) -> vec3f {
  let slope = loss_exp_value(a.x);
  return loss_chain(slope, loss_expm1_value(a.x, slope), a);
}

// σ(x) = 1 / (1 + t) or t / (1 + t) with t = e^-|x|; its slope σ(x) σ(-x) = t / (1 + t)^2 on both sides.
fn loss_sigmoid(a: vec3f) -> vec3f {
  let tail = loss_exp_value(-abs(a.x));
  let total = 1.0 + tail;
  return loss_chain(tail / (total * total), select(tail, 1.0, a.x >= 0.0) / total, a);
}

fn loss_log_sigmoid(a: vec3f) -> vec3f {
  let tail = loss_exp_value(-abs(a.x));
  let slope = select(1.0, tail, a.x >= 0.0) / (1.0 + tail);
  return loss_chain(slope, min(a.x, 0.0) - loss_log1p_value(tail), a);
}

fn loss_log1m_exp(a: vec3f) -> vec3f {
  let tail = loss_exp_value(a.x);
  let complement = -loss_expm1_value(a.x, tail);
  return loss_chain(-tail / complement, select(log(complement), loss_log1p_value(-min(tail, 0.5)), tail <= 0.5), a);
}
