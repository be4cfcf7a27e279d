//! The OVER clause: partitions, order and frames.
//!
//! A RANGE frame with offsets runs over whole numbers that stand for the keys (`gs_place_…` of the prelude), with offsets that are
//! computed row by row (`gs_move_…`): the engine's own arithmetic would overflow at the ends of a type and lose its way with
//! NaN, infinity and NULL, whose rows GoogleSQL frames with their peers.

use sqlparser::ast::{OrderByOptions, OrderBySort, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowSpec};

use super::{
    coerce,
    error::{At, Result, invalid, place, unsupported},
    query::sort_key,
    scope::{Env, Ex, Literal},
    translator::Translator,
    types::Type,
};

/// What a RANGE frame's offsets are added to.
struct RangeKey {
    key: Ex,
    descending: bool,
    /// The family of macros: `int`, `numeric`, `float`.
    family: &'static str,
}

/// Beyond every key's place.
const END: &str = "170141183460469231731687303715884105727::HUGEINT";

impl RangeKey {
    fn new(key: Ex, options: &OrderByOptions, at: At) -> Result<RangeKey> {
        let family = match key.ty {
            Type::Int64 => "int",
            Type::Numeric => "numeric",
            Type::Float64 => "float",
            Type::Other(_) => return Err(unsupported(format!("a RANGE frame over a key of type {}", key.ty), at)),
            _ => return Err(invalid(format!("a RANGE frame with an offset wants a number, found {}", key.ty), at)),
        };
        Ok(RangeKey { key, descending: options.sort == Some(OrderBySort::Desc), family })
    }

    /// The ORDER BY key.
    fn order(&self, options: &OrderByOptions) -> String {
        let (sign, family, key) = (if self.descending { "-" } else { "" }, self.family, &self.key.sql);
        let nulls_first = options.nulls_first.unwrap_or(!self.descending);
        let null = if nulls_first { "-" } else { "" };
        format!("coalesce({sign}gs_place_{family}({key}), {null}{END}) ASC")
    }

    /// How far a bound is from the row's own place.
    fn offset(&self, offset: Ex, following: bool, at: At) -> Result<String> {
        let offset = coerce::to(offset, &self.key.ty, at)?;
        let up = following != self.descending;
        Ok(format!("gs_move_{}({}, gs_frame_offset({offset}), {up})", self.family, self.key.sql))
    }
}

impl Translator<'_> {
    /// ` OVER (…)`.
    pub(super) fn over(&mut self, spec: &WindowSpec, env: &Env<'_>, at: At) -> Result<String> {
        let mut parts = Vec::new();
        if !spec.partition_by.is_empty() {
            let mut keys = Vec::with_capacity(spec.partition_by.len());
            for expr in &spec.partition_by {
                let ex = self.expr(expr, env)?;
                if !ex.ty.can_group() {
                    return Err(invalid(format!("PARTITION BY does not support {}", ex.ty), place(expr)));
                }
                keys.push(ex.sql);
            }
            parts.push(format!("PARTITION BY {}", keys.join(", ")));
        }
        let by_value = spec.window_frame.as_ref().is_some_and(|f| f.units == WindowFrameUnits::Range && has_offset(f));
        let mut keys = Vec::with_capacity(spec.order_by.len());
        let mut range = None;
        for key in &spec.order_by {
            let ex = self.expr(&key.expr, env)?;
            let at = place(&key.expr);
            if by_value {
                let found = RangeKey::new(ex, &key.options, at)?;
                keys.push(found.order(&key.options));
                range = Some(found);
            } else {
                keys.push(sort_key(&ex, &key.options, at)?);
            }
        }
        if by_value && keys.len() != 1 {
            return Err(invalid("a RANGE frame with an offset wants exactly one ORDER BY key", at));
        }
        if !keys.is_empty() {
            parts.push(format!("ORDER BY {}", keys.join(", ")));
        }
        if let Some(frame) = &spec.window_frame {
            parts.push(self.frame(frame, range.as_ref(), env, at)?);
        }
        Ok(format!(" OVER ({})", parts.join(" ")))
    }

    fn frame(&mut self, frame: &WindowFrame, range: Option<&RangeKey>, env: &Env<'_>, at: At) -> Result<String> {
        let units = match frame.units {
            WindowFrameUnits::Rows => "ROWS",
            WindowFrameUnits::Range => "RANGE",
            WindowFrameUnits::Groups => return Err(invalid("GROUPS frames are not GoogleSQL", at)),
        };
        let end = frame.end_bound.clone().unwrap_or(WindowFrameBound::CurrentRow);
        if turned_around(&frame.start_bound, &end) {
            return Err(invalid("the window frame starts after its end", at));
        }
        let start = self.bound(&frame.start_bound, range, env)?;
        let end = self.bound(&end, range, env)?;
        Ok(format!("{units} BETWEEN {start} AND {end}"))
    }

    fn bound(&mut self, bound: &WindowFrameBound, range: Option<&RangeKey>, env: &Env<'_>) -> Result<String> {
        let (expr, following) = match bound {
            WindowFrameBound::CurrentRow => return Ok("CURRENT ROW".into()),
            WindowFrameBound::Preceding(None) => return Ok("UNBOUNDED PRECEDING".into()),
            WindowFrameBound::Following(None) => return Ok("UNBOUNDED FOLLOWING".into()),
            WindowFrameBound::Preceding(Some(expr)) => (expr, false),
            WindowFrameBound::Following(Some(expr)) => (expr, true),
        };
        let at = place(expr);
        let ex = self.expr(expr, env)?;
        if ex.literal == Literal::Null {
            return Err(invalid("a frame's offset may not be NULL", at));
        }
        if let Literal::Int(digits) | Literal::Float(digits) = &ex.literal
            && digits.starts_with('-')
        {
            return Err(invalid("a frame's offset may not be negative", at));
        }
        if ex.sql.contains('"') {
            return Err(invalid("a frame's offset has to be constant", at));
        }
        let direction = if following { "FOLLOWING" } else { "PRECEDING" };
        let offset = match range {
            Some(range) => range.offset(ex, following, at)?,
            None if matches!(ex.literal, Literal::Int(_)) => coerce::to(ex, &Type::Int64, at)?,
            None => format!("gs_frame_offset({})", coerce::to(ex, &Type::Int64, at)?),
        };
        Ok(format!("{offset} {direction}"))
    }
}

fn has_offset(frame: &WindowFrame) -> bool {
    let offset =
        |b: &WindowFrameBound| matches!(b, WindowFrameBound::Preceding(Some(_)) | WindowFrameBound::Following(Some(_)));
    offset(&frame.start_bound) || frame.end_bound.as_ref().is_some_and(offset)
}

/// Bounds whose kinds alone say that the frame can hold nothing.
fn turned_around(start: &WindowFrameBound, end: &WindowFrameBound) -> bool {
    use WindowFrameBound as B;
    matches!(start, B::Following(None))
        || matches!(end, B::Preceding(None))
        || matches!((start, end), (B::CurrentRow, B::Preceding(_)) | (B::Following(_), B::Preceding(_) | B::CurrentRow))
}
