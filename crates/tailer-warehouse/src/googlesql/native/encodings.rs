//! STRING and BYTES as code points, hex, base32 and bits.

use super::{
    Answer, Gives, Native, Value,
    strings::{size, units},
    values::arg,
};

fn to_code_points(args: &[Value]) -> Answer {
    Ok(Value::List(units(arg(args, 0)?)?.into_iter().map(|u| Value::Int(u.into())).collect()))
}

fn code_point(n: i64) -> Result<char, String> {
    u32::try_from(n).ok().and_then(char::from_u32).ok_or_else(|| format!("no character has the code point {n}"))
}

/// NULL when a code point is.
fn code_points_to_string(args: &[Value]) -> Answer {
    let points = arg(args, 0)?.list()?;
    if points.contains(&Value::Null) {
        return Ok(Value::Null);
    }
    let chars = points.iter().map(|p| code_point(p.int()?));
    Ok(Value::Text(chars.collect::<Result<_, String>>()?))
}

fn code_points_to_bytes(args: &[Value]) -> Answer {
    let points = arg(args, 0)?.list()?;
    if points.contains(&Value::Null) {
        return Ok(Value::Null);
    }
    let byte = |p: &Value| u8::try_from(p.int()?).map_err(|_| "a code point of BYTES is from 0 to 255".to_owned());
    Ok(Value::Bytes(points.iter().map(byte).collect::<Result<_, String>>()?))
}

fn chr(args: &[Value]) -> Answer {
    let n = arg(args, 0)?.int()?;
    Ok(Value::Text(if n == 0 { String::new() } else { code_point(n)?.to_string() }))
}

fn to_text(args: &[Value]) -> Answer {
    Ok(Value::Text(String::from_utf8_lossy(arg(args, 0)?.bytes()?).into_owned()))
}

/// A cast: only well-formed UTF-8 is a STRING.
fn decode(args: &[Value]) -> Answer {
    let bytes = arg(args, 0)?.bytes()?.to_vec();
    String::from_utf8(bytes).map(Value::Text).map_err(|_| "a cast of BYTES to STRING wants valid UTF-8".to_owned())
}

pub(super) fn from_hex(args: &[Value]) -> Answer {
    let text = arg(args, 0)?.text()?;
    let wrong = || format!("FROM_HEX: not hexadecimal: {text}");
    let digits = text.chars().map(|c| c.to_digit(16).ok_or_else(wrong)).collect::<Result<Vec<_>, _>>()?;
    let padded: Vec<u32> = std::iter::repeat_n(0, digits.len() % 2).chain(digits).collect();
    let byte = |pair: &[u32]| u8::try_from(pair.iter().fold(0, |n, d| n * 16 + d)).unwrap_or_default();
    Ok(Value::Bytes(padded.chunks(2).map(byte).collect()))
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

pub(super) fn to_base32(args: &[Value]) -> Answer {
    let mut out = String::new();
    for chunk in arg(args, 0)?.bytes()?.chunks(5) {
        let n = chunk.iter().fold(0_u64, |n, b| n << 8 | u64::from(*b)) << (8 * (5 - chunk.len()));
        let used = (chunk.len() * 8).div_ceil(5);
        for i in 0..8 {
            let digit = usize::try_from(n >> (35 - 5 * i) & 31).unwrap_or_default();
            out.push(if i < used { char::from(*BASE32.get(digit).unwrap_or(&b'=')) } else { '=' });
        }
    }
    Ok(Value::Text(out))
}

pub(super) fn from_base32(args: &[Value]) -> Answer {
    let text = arg(args, 0)?.text()?;
    let wrong = || format!("FROM_BASE32: not base32: {text}");
    let digits = text.trim_end_matches('=');
    if !text.len().is_multiple_of(8) || matches!(digits.len() % 8, 1 | 3 | 6) || text.len() - digits.len() > 6 {
        return Err(wrong());
    }
    let mut bytes = Vec::new();
    let (mut bits, mut held) = (0_u32, 0_u32);
    for c in digits.bytes() {
        let value = BASE32.iter().position(|b| *b == c).ok_or_else(wrong)?;
        bits = bits << 5 | u32::try_from(value).unwrap_or_default();
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 255).unwrap_or_default());
            bits &= (1 << held) - 1;
        }
    }
    Ok(Value::Bytes(bytes))
}

/// Bit by bit; `(a, operator, b)`.
fn bitwise(args: &[Value]) -> Answer {
    let (a, b) = (arg(args, 0)?.bytes()?, arg(args, 2)?.bytes()?);
    if a.len() != b.len() {
        return Err("bitwise operators want BYTES of equal length".to_owned());
    }
    let pairs = a.iter().zip(b);
    Ok(Value::Bytes(match arg(args, 1)?.text()? {
        "&" => pairs.map(|(a, b)| a & b).collect(),
        "|" => pairs.map(|(a, b)| a | b).collect(),
        _ => pairs.map(|(a, b)| a ^ b).collect(),
    }))
}

fn bitwise_not(args: &[Value]) -> Answer {
    Ok(Value::Bytes(arg(args, 0)?.bytes()?.iter().map(|b| !b).collect()))
}

fn bit_count(args: &[Value]) -> Answer {
    Ok(Value::Int(arg(args, 0)?.bytes()?.iter().map(|b| i64::from(b.count_ones())).sum()))
}

/// `(bytes, bits, 'left' | 'right')`: zeros come in.
fn shift(args: &[Value]) -> Answer {
    let (bytes, by) = (arg(args, 0)?.bytes()?, arg(args, 1)?.int()?);
    if by < 0 {
        return Err("shift by a negative number".to_owned());
    }
    let bits: Vec<bool> = bytes.iter().flat_map(|b| (0..8).map(move |i| b >> (7 - i) & 1 == 1)).collect();
    let by = size(by).min(bits.len());
    let zeros = std::iter::repeat_n(false, by);
    let shifted: Vec<bool> = if arg(args, 2)?.text()? == "left" {
        bits.iter().copied().skip(by).chain(zeros).collect()
    } else {
        zeros.chain(bits.iter().copied().take(bits.len() - by)).collect()
    };
    Ok(Value::Bytes(shifted.chunks(8).map(|c| c.iter().fold(0, |n, bit| n << 1 | u8::from(*bit))).collect()))
}

pub(super) const FUNCTIONS: &[Native] = &[
    ("gsn_to_code_points", Gives::Integers, to_code_points),
    ("gsn_code_points_to_string", Gives::Text, code_points_to_string),
    ("gsn_code_points_to_bytes", Gives::Bytes, code_points_to_bytes),
    ("gsn_chr", Gives::Text, chr),
    ("gsn_bytes_to_text", Gives::Text, to_text),
    ("gsn_decode", Gives::Text, decode),
    ("gsn_from_hex", Gives::Bytes, from_hex),
    ("gsn_to_base32", Gives::Text, to_base32),
    ("gsn_from_base32", Gives::Bytes, from_base32),
    ("gsn_bitwise", Gives::Bytes, bitwise),
    ("gsn_bitwise_not", Gives::Bytes, bitwise_not),
    ("gsn_bit_count", Gives::Int64, bit_count),
    ("gsn_shift_bytes", Gives::Bytes, shift),
];
