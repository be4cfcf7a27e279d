//! Hash functions that DuckDB lacks.

use sha2::{Digest, Sha512};

use super::{Answer, Gives, Native, Value, values::arg};

fn sha512(args: &[Value]) -> Answer {
    Ok(Value::Bytes(Sha512::digest(arg(args, 0)?.bytes()?).to_vec()))
}

fn farm(args: &[Value]) -> Answer {
    Ok(Value::Int(fingerprint(arg(args, 0)?.bytes()?).cast_signed()))
}

const K0: u64 = 0xc3a5_c85c_97cb_3127;
const K1: u64 = 0xb492_b66f_be98_f273;
const K2: u64 = 0x9ae1_6a3b_2f90_404f;

/// Eight bytes, little end first; what is behind the end counts as zero.
fn word(bytes: &[u8], at: usize) -> u64 {
    let mut buffer = [0; 8];
    for (to, from) in buffer.iter_mut().zip(bytes.iter().skip(at)) {
        *to = *from;
    }
    u64::from_le_bytes(buffer)
}

fn half(bytes: &[u8], at: usize) -> u64 {
    word(bytes, at) & 0xffff_ffff
}

fn mix(value: u64) -> u64 {
    value ^ (value >> 47)
}

fn pair(u: u64, v: u64, mul: u64) -> u64 {
    let a = (u ^ v).wrapping_mul(mul);
    let b = (v ^ (a ^ (a >> 47))).wrapping_mul(mul);
    (b ^ (b >> 47)).wrapping_mul(mul)
}

/// FarmHash's Fingerprint64 (the "na" variant, which is stable).
fn fingerprint(bytes: &[u8]) -> u64 {
    match bytes.len() {
        0..=16 => short(bytes),
        17..=32 => medium(bytes),
        33..=64 => long(bytes),
        _ => longest(bytes),
    }
}

fn short(bytes: &[u8]) -> u64 {
    let length = bytes.len() as u64;
    let mul = K2.wrapping_add(length.wrapping_mul(2));
    match bytes {
        _ if bytes.len() >= 8 => {
            let a = word(bytes, 0).wrapping_add(K2);
            let b = word(bytes, bytes.len() - 8);
            let c = b.rotate_right(37).wrapping_mul(mul).wrapping_add(a);
            let d = a.rotate_right(25).wrapping_add(b).wrapping_mul(mul);
            pair(c, d, mul)
        }
        _ if bytes.len() >= 4 => {
            let a = half(bytes, 0);
            pair(length.wrapping_add(a << 3), half(bytes, bytes.len() - 4), mul)
        }
        [first, .., last] => {
            let middle = bytes.get(bytes.len() >> 1).copied().unwrap_or_default();
            let y = u64::from(*first).wrapping_add(u64::from(middle) << 8);
            let z = length.wrapping_add(u64::from(*last) << 2);
            mix(y.wrapping_mul(K2) ^ z.wrapping_mul(K0)).wrapping_mul(K2)
        }
        [only] => {
            let y = u64::from(*only).wrapping_add(u64::from(*only) << 8);
            let z = length.wrapping_add(u64::from(*only) << 2);
            mix(y.wrapping_mul(K2) ^ z.wrapping_mul(K0)).wrapping_mul(K2)
        }
        [] => K2,
    }
}

fn medium(bytes: &[u8]) -> u64 {
    let n = bytes.len();
    let mul = K2.wrapping_add((n as u64).wrapping_mul(2));
    let a = word(bytes, 0).wrapping_mul(K1);
    let b = word(bytes, 8);
    let c = word(bytes, n - 8).wrapping_mul(mul);
    let d = word(bytes, n - 16).wrapping_mul(K2);
    pair(
        a.wrapping_add(b).rotate_right(43).wrapping_add(c.rotate_right(30)).wrapping_add(d),
        a.wrapping_add(b.wrapping_add(K2).rotate_right(18)).wrapping_add(c),
        mul,
    )
}

fn long(bytes: &[u8]) -> u64 {
    let n = bytes.len();
    let mul = K2.wrapping_add((n as u64).wrapping_mul(2));
    let a = word(bytes, 0).wrapping_mul(K2);
    let b = word(bytes, 8);
    let c = word(bytes, n - 8).wrapping_mul(mul);
    let d = word(bytes, n - 16).wrapping_mul(K2);
    let y = a.wrapping_add(b).rotate_right(43).wrapping_add(c.rotate_right(30)).wrapping_add(d);
    let z = pair(y, a.wrapping_add(b.wrapping_add(K2).rotate_right(18)).wrapping_add(c), mul);
    let e = word(bytes, 16).wrapping_mul(mul);
    let f = word(bytes, 24);
    let g = y.wrapping_add(word(bytes, n - 32)).wrapping_mul(mul);
    let h = z.wrapping_add(word(bytes, n - 24)).wrapping_mul(mul);
    pair(
        e.wrapping_add(f).rotate_right(43).wrapping_add(g.rotate_right(30)).wrapping_add(h),
        e.wrapping_add(f.wrapping_add(a).rotate_right(18)).wrapping_add(g),
        mul,
    )
}

/// The hash of 32 bytes with two seeds.
fn weak(bytes: &[u8], at: usize, a: u64, b: u64) -> (u64, u64) {
    let (w, x, y, z) = (word(bytes, at), word(bytes, at + 8), word(bytes, at + 16), word(bytes, at + 24));
    let a = a.wrapping_add(w);
    let b = b.wrapping_add(a).wrapping_add(z).rotate_right(21);
    let c = a;
    let a = a.wrapping_add(x).wrapping_add(y);
    let b = b.wrapping_add(a.rotate_right(44));
    (a.wrapping_add(z), b.wrapping_add(c))
}

fn longest(bytes: &[u8]) -> u64 {
    const SEED: u64 = 81;
    let n = bytes.len();
    let mut x = SEED;
    let mut y = SEED.wrapping_mul(K1).wrapping_add(113);
    let mut z = mix(y.wrapping_mul(K2).wrapping_add(113)).wrapping_mul(K2);
    let (mut v, mut w) = ((0, 0), (0, 0));
    x = x.wrapping_mul(K2).wrapping_add(word(bytes, 0));
    let end = (n - 1) / 64 * 64;
    let mut at = 0;
    while at < end {
        x = x.wrapping_add(y).wrapping_add(v.0).wrapping_add(word(bytes, at + 8)).rotate_right(37).wrapping_mul(K1);
        y = y.wrapping_add(v.1).wrapping_add(word(bytes, at + 48)).rotate_right(42).wrapping_mul(K1);
        x ^= w.1;
        y = y.wrapping_add(v.0).wrapping_add(word(bytes, at + 40));
        z = z.wrapping_add(w.0).rotate_right(33).wrapping_mul(K1);
        v = weak(bytes, at, v.1.wrapping_mul(K1), x.wrapping_add(w.0));
        w = weak(bytes, at + 32, z.wrapping_add(w.1), y.wrapping_add(word(bytes, at + 16)));
        std::mem::swap(&mut z, &mut x);
        at += 64;
    }
    let mul = K1.wrapping_add((z & 0xff) << 1);
    // The last 64 bytes, which overlap with those before.
    let at = n - 64;
    w.0 = w.0.wrapping_add((n as u64 - 1) & 63);
    v.0 = v.0.wrapping_add(w.0);
    w.0 = w.0.wrapping_add(v.0);
    x = x.wrapping_add(y).wrapping_add(v.0).wrapping_add(word(bytes, at + 8)).rotate_right(37).wrapping_mul(mul);
    y = y.wrapping_add(v.1).wrapping_add(word(bytes, at + 48)).rotate_right(42).wrapping_mul(mul);
    x ^= w.1.wrapping_mul(9);
    y = y.wrapping_add(v.0.wrapping_mul(9)).wrapping_add(word(bytes, at + 40));
    z = z.wrapping_add(w.0).rotate_right(33).wrapping_mul(mul);
    v = weak(bytes, at, v.1.wrapping_mul(mul), x.wrapping_add(w.0));
    w = weak(bytes, at + 32, z.wrapping_add(w.1), y.wrapping_add(word(bytes, at + 16)));
    std::mem::swap(&mut z, &mut x);
    pair(
        pair(v.0, w.0, mul).wrapping_add(mix(y).wrapping_mul(K0)).wrapping_add(z),
        pair(v.1, w.1, mul).wrapping_add(x),
        mul,
    )
}

pub(super) const FUNCTIONS: &[Native] =
    &[("gsn_sha512", Gives::Bytes, sha512), ("gsn_farm_fingerprint", Gives::Int64, farm)];
