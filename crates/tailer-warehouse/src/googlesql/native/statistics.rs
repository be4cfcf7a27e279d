//! Variance, covariance and correlation of decimals: sums are exact, only the last step is a FLOAT64.

use num_bigint::{BigInt, Sign};

use super::{
    Answer, Gives, Native, Value,
    decimal::{Kind, power},
    values::arg,
};

/// Digits that decide about a FLOAT64, and more.
const DIGITS: u32 = 60;

/// A fraction of whole numbers.
struct Ratio {
    above: BigInt,
    below: BigInt,
}

impl Ratio {
    /// The decimal places that make the quotient as long as [`DIGITS`], at least.
    fn places(&self) -> u32 {
        let bits = |n: &BigInt| i64::try_from(n.magnitude().bits()).unwrap_or(i64::MAX / 2);
        let missing = (bits(&self.below) - bits(&self.above)).max(0) / 3 + 1;
        u32::try_from(missing).unwrap_or(0) + DIGITS
    }

    fn float(&self) -> f64 {
        let places = self.places();
        number(&(&self.above * power(places) / &self.below), places)
    }

    fn root(&self) -> f64 {
        let places = self.places();
        let square = &self.above * power(2 * places) / &self.below;
        if square.sign() == Sign::Minus { f64::NAN } else { number(&BigInt::sqrt(&square), places) }
    }
}

fn number(digits: &BigInt, places: u32) -> f64 {
    format!("{digits}e-{places}").parse().unwrap_or(f64::NAN)
}

/// `gsn_decimal_spread(kind, values, name)`; NULLs do not count.
fn spread(args: &[Value]) -> Answer {
    let kind = Kind::of(arg(args, 0)?)?;
    let (mut n, mut sum, mut squares) = (0_i64, BigInt::ZERO, BigInt::ZERO);
    for value in arg(args, 1)?.list()?.iter().filter(|v| **v != Value::Null) {
        let x = kind.read(value)?;
        squares += &x * &x;
        sum += x;
        n += 1;
    }
    let name = arg(args, 2)?.text()?;
    let sample = name.ends_with("samp");
    if n < if sample { 2 } else { 1 } {
        return Ok(Value::Null);
    }
    let above = squares * n - &sum * &sum;
    let ratio = Ratio { above, below: BigInt::from(n) * (n - i64::from(sample)) * power(2 * kind.scale()) };
    Ok(Value::Float(if name.starts_with("stddev") { ratio.root() } else { ratio.float() }))
}

/// `gsn_decimal_pairs(kind, ys, xs, name)`; pairs with a NULL do not count.
fn pairs(args: &[Value]) -> Answer {
    let kind = Kind::of(arg(args, 0)?)?;
    let mut n = 0_i64;
    let [mut sx, mut sy, mut sxx, mut syy, mut sxy] = [const { BigInt::ZERO }; 5];
    for (y, x) in arg(args, 1)?.list()?.iter().zip(arg(args, 2)?.list()?) {
        if *y == Value::Null || *x == Value::Null {
            continue;
        }
        let (y, x) = (kind.read(y)?, kind.read(x)?);
        sxx += &x * &x;
        syy += &y * &y;
        sxy += &x * &y;
        sx += x;
        sy += y;
        n += 1;
    }
    let name = arg(args, 3)?.text()?;
    if n < if name == "covar_pop" { 1 } else { 2 } {
        return Ok(Value::Null);
    }
    let covariance = sxy * n - &sx * &sy;
    if name != "corr" {
        let below = BigInt::from(n) * (n - i64::from(name == "covar_samp")) * power(2 * kind.scale());
        return Ok(Value::Float(Ratio { above: covariance, below }.float()));
    }
    let below = (sxx * n - &sx * &sx) * (syy * n - &sy * &sy);
    if below == BigInt::ZERO {
        return Ok(Value::Float(f64::NAN));
    }
    let negative = covariance.sign() == Sign::Minus;
    let size = Ratio { above: &covariance * &covariance, below }.root();
    Ok(Value::Float(if negative { -size } else { size }))
}

pub(super) const FUNCTIONS: &[Native] =
    &[("gsn_decimal_spread", Gives::Float64, spread), ("gsn_decimal_pairs", Gives::Float64, pairs)];
