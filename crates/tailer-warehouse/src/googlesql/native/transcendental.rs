//! EXP, LN, LOG and POW of decimals: fixed-point series with forty digits to spare, rounded once at the end.

use num_bigint::{BigInt, Sign};

use super::decimal::{Kind, divide, power, rescale};

/// Decimals in hand beyond those wanted.
const SPARE: u32 = 50;

fn mul(a: &BigInt, b: &BigInt, scale: u32) -> BigInt {
    (a * b) / power(scale)
}

/// e to the power of `x`, both at `scale`.
fn exp_at(x: &BigInt, scale: u32) -> BigInt {
    let one = power(scale);
    // Halved until small, then squared as often.
    let halvings = u32::try_from(x.magnitude().bits().saturating_sub(one.magnitude().bits())).unwrap_or(0) + 8;
    let small = x >> halvings;
    let (mut sum, mut term, mut n) = (one.clone(), one, 1_u32);
    while term != BigInt::ZERO && n < 2000 {
        term = mul(&term, &small, scale) / n;
        sum += &term;
        n += 1;
        if term.magnitude() < &num_bigint::BigUint::from(2_u32) {
            break;
        }
    }
    for _ in 0..halvings {
        sum = mul(&sum, &sum, scale);
    }
    sum
}

/// The natural logarithm of a positive `x`, both at `scale`: twice the area tangent, after taking out powers of two.
fn ln_at(x: &BigInt, scale: u32) -> BigInt {
    let one = power(scale);
    let series = |y: &BigInt| {
        let z = (y - &one) * &one / (y + &one);
        let square = mul(&z, &z, scale);
        let (mut sum, mut term, mut n) = (BigInt::ZERO, z, 1_u32);
        while term != BigInt::ZERO && n < 4000 {
            sum += &term / n;
            term = mul(&term, &square, scale);
            n += 2;
        }
        sum * 2
    };
    let mut twos = 0_i64;
    let mut reduced = x.clone();
    while reduced >= &one * 2 {
        reduced >>= 1;
        twos += 1;
    }
    while reduced < one {
        reduced <<= 1;
        twos -= 1;
    }
    series(&reduced) + series(&(&one * 2)) * twos
}

fn wide(x: &BigInt, scale: u32) -> BigInt {
    rescale(x, scale, scale + SPARE)
}

fn narrow(x: &BigInt, scale: u32) -> BigInt {
    rescale(x, scale + SPARE, scale)
}

/// No decimal type holds more than this many digits before its point.
fn too_large(exponent: &BigInt, scale: u32) -> bool {
    *exponent > BigInt::from(100) * power(scale)
}

pub(super) fn exp(x: &BigInt, scale: u32) -> Result<BigInt, String> {
    if too_large(x, scale) {
        return Err("numeric overflow in EXP".to_owned());
    }
    if too_large(&-x, scale) {
        return Ok(BigInt::ZERO);
    }
    // The squarings lose as many digits as the result has before its point.
    Ok(rescale(&exp_at(&rescale(x, scale, scale + 2 * SPARE), scale + 2 * SPARE), scale + 2 * SPARE, scale))
}

pub(super) fn ln(x: &BigInt, scale: u32) -> Result<BigInt, String> {
    if x.sign() != Sign::Plus {
        return Err("LN of a number that is not positive".to_owned());
    }
    Ok(narrow(&ln_at(&wide(x, scale), scale + SPARE), scale))
}

pub(super) fn log(x: &BigInt, base: &BigInt, scale: u32) -> Result<BigInt, String> {
    if x.sign() != Sign::Plus || base.sign() != Sign::Plus || *base == power(scale) {
        return Err("LOG of these numbers is not defined".to_owned());
    }
    let (x, base) = (ln_at(&wide(x, scale), scale + SPARE), ln_at(&wide(base, scale), scale + SPARE));
    Ok(divide(&(x * power(scale)), &base))
}

pub(super) fn pow(x: &BigInt, y: &BigInt, kind: Kind) -> Result<BigInt, String> {
    let scale = kind.scale();
    let one = power(scale);
    let whole = y / &one;
    if &whole * &one == *y {
        return whole_power(x, &whole, kind);
    }
    match x.sign() {
        Sign::Minus => Err("POW of a negative number to a fraction".to_owned()),
        Sign::NoSign if y.sign() == Sign::Minus => Err("division by zero in POW".to_owned()),
        Sign::NoSign => Ok(BigInt::ZERO),
        Sign::Plus => {
            let at = scale + 2 * SPARE;
            let exponent = rescale(y, scale, at) * ln_at(&rescale(x, scale, at), at) / power(at);
            if too_large(&exponent, at) {
                return Err("numeric overflow in POW".to_owned());
            }
            if too_large(&-&exponent, at) {
                return Ok(BigInt::ZERO);
            }
            Ok(rescale(&exp_at(&exponent, at), at, scale))
        }
    }
}

/// By squaring, with the digits that may matter and no more.
fn whole_power(x: &BigInt, exponent: &BigInt, kind: Kind) -> Result<BigInt, String> {
    let scale = kind.scale();
    let one = power(scale);
    if *exponent == BigInt::ZERO {
        return Ok(one);
    }
    if *x == BigInt::ZERO {
        return if exponent.sign() == Sign::Minus {
            Err("division by zero in POW".to_owned())
        } else {
            Ok(BigInt::ZERO)
        };
    }
    let odd = exponent % BigInt::from(2) != BigInt::ZERO;
    let sign = if x.sign() == Sign::Minus && odd { -1 } else { 1 };
    let magnitude = BigInt::from(x.magnitude().clone());
    if magnitude == one {
        return Ok(one * sign);
    }
    // Small exact powers need no logarithms.
    if let Ok(n @ 1..=64) = u32::try_from(exponent.clone()) {
        return Ok(divide(&magnitude.pow(n), &power(scale * (n - 1))) * sign);
    }
    if let Ok(n @ 1..=64) = u32::try_from(-exponent.clone()) {
        return Ok(divide(&power(scale * (n + 1)), &magnitude.pow(n)) * sign);
    }
    let at = scale + 2 * SPARE;
    let power_of_e = exponent * ln_at(&rescale(&magnitude, scale, at), at);
    if too_large(&power_of_e, at) {
        return Err("numeric overflow in POW".to_owned());
    }
    if too_large(&-&power_of_e, at) {
        return Ok(BigInt::ZERO);
    }
    Ok(rescale(&exp_at(&power_of_e, at), at, scale) * sign)
}

#[cfg(test)]
mod tests {
    use super::{super::decimal::shortest, *};

    #[test]
    fn known_values_to_thirty_eight_digits() {
        let big = |text: &str| super::super::decimal::parse(text, 38).unwrap();
        let show = |units: BigInt| shortest(&units, 38);
        assert_eq!(show(exp(&big("1"), 38).unwrap()), "2.71828182845904523536028747135266249776");
        assert_eq!(show(ln(&big("2"), 38).unwrap()), "0.69314718055994530941723212145817656808");
        assert_eq!(show(log(&big("1000"), &big("10"), 38).unwrap()), "3");
        assert_eq!(
            show(pow(&big("2"), &big("0.5"), Kind::BigNumeric).unwrap()),
            "1.41421356237309504880168872420969807857"
        );
        assert_eq!(show(pow(&big("-2"), &big("3"), Kind::BigNumeric).unwrap()), "-8");
        assert_eq!(show(pow(&big("2"), &big("-1"), Kind::BigNumeric).unwrap()), "0.5");
        assert_eq!(show(pow(&big("1.0001"), &big("100"), Kind::BigNumeric).unwrap()).get(..12), Some("1.0100496620"));
    }
}
