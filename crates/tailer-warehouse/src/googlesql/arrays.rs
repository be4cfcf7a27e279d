//! ARRAY and STRUCT: constructors, element access, `ARRAY(subquery)`.

use sqlparser::ast::{
    AccessExpr, Array, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Query, StructField as AstField, Subscript,
};

use super::{
    coerce,
    error::{At, Result, invalid, place, unsupported},
    scope::{Col, Env, Ex, Literal, field, pack},
    translator::Translator,
    types::{Type, from_ast},
};

impl Translator<'_> {
    pub(super) fn array(&mut self, array: &Array, at: At, env: &Env<'_>) -> Result<Ex> {
        let mut elements = Vec::with_capacity(array.elem.len());
        for element in &array.elem {
            elements.push(self.expr(element, env)?);
        }
        array_of(elements, None, at)
    }

    /// `STRUCT(1 AS a)` and `STRUCT<a INT64>(1)`.
    pub(super) fn structure(&mut self, values: &[Expr], fields: &[AstField], at: At, env: &Env<'_>) -> Result<Ex> {
        if !fields.is_empty() && fields.len() != values.len() {
            return Err(invalid(format!("this STRUCT has {} fields and {} values", fields.len(), values.len()), at));
        }
        let mut cols = Vec::with_capacity(values.len());
        for (i, value) in values.iter().enumerate() {
            let (name, value) = match value {
                Expr::Named { expr, name } => (name.value.clone(), expr.as_ref()),
                other => (implied(other), other),
            };
            let ex = self.expr(value, env)?;
            let col = match fields.get(i) {
                Some(typed) => {
                    let ty = from_ast(&typed.field_type, at)?;
                    let name = typed.field_name.as_ref().map(|n| n.value.clone()).unwrap_or_default();
                    Col { name, ex: Ex::new(coerce::to(ex, &ty, place(value))?, ty) }
                }
                None => Col { name, ex: Ex { sql: typed_sql(&ex), ..ex } },
            };
            cols.push(col);
        }
        if cols.is_empty() {
            return Err(unsupported("STRUCT without fields", at));
        }
        Ok(pack(&cols))
    }

    /// `(1, 2)`: a STRUCT without names.
    pub(super) fn tuple(&mut self, values: &[Expr], at: At, env: &Env<'_>) -> Result<Ex> {
        let mut cols = Vec::with_capacity(values.len());
        for value in values {
            let ex = self.expr(value, env)?;
            cols.push(Col { name: String::new(), ex: Ex { sql: typed_sql(&ex), ..ex } });
        }
        if cols.len() < 2 {
            return Err(invalid("a tuple has at least two values", at));
        }
        Ok(pack(&cols))
    }

    /// `ARRAY(SELECT …)`.
    pub(super) fn array_subquery(&mut self, query: &Query, at: At, env: &Env<'_>) -> Result<Ex> {
        let output = self.query(query, Some(env))?;
        let [column] = output.columns.as_slice() else {
            return Err(invalid("ARRAY(subquery) wants a subquery of one column: use SELECT AS STRUCT", at));
        };
        if matches!(column.ty, Type::Array(_)) {
            return Err(invalid("an ARRAY cannot hold ARRAYs: wrap them in STRUCT", at));
        }
        let ty = Type::array(column.ty.clone());
        Ok(Ex::new(format!("ARRAY({})", output.sql), ty))
    }

    /// `a.b`, `a[OFFSET(1)]`, in any chain.
    pub(super) fn access(&mut self, root: &Expr, chain: &[AccessExpr], env: &Env<'_>) -> Result<Ex> {
        let mut path = Vec::new();
        match root {
            Expr::Identifier(ident) => path.push(ident.clone()),
            Expr::CompoundIdentifier(idents) => path.extend(idents.iter().cloned()),
            _ => {}
        }
        let mut rest = chain;
        if !path.is_empty() {
            while let Some((AccessExpr::Dot(Expr::Identifier(ident)), more)) = rest.split_first() {
                path.push(ident.clone());
                rest = more;
            }
        }
        let mut ex = if path.is_empty() { self.expr(root, env)? } else { self.name(&path, env)? };
        for step in rest {
            ex = match step {
                AccessExpr::Dot(Expr::Identifier(ident)) => field(&ex, ident)?,
                AccessExpr::Dot(other) => return Err(unsupported("this kind of field access", place(other))),
                AccessExpr::Subscript(Subscript::Index { index }) => self.element(ex, index, env)?,
                AccessExpr::Subscript(Subscript::Slice { .. }) => {
                    return Err(invalid("array[a:b] is not GoogleSQL", place(root)));
                }
            };
        }
        Ok(ex)
    }

    fn element(&mut self, array: Ex, index: &Expr, env: &Env<'_>) -> Result<Ex> {
        let at = place(index);
        if array.ty == Type::Json {
            let index = self.expr(index, env)?;
            let ty = if index.ty == Type::String { Type::String } else { Type::Int64 };
            return Ok(super::scope::json_part(&array, &coerce::to(index, &ty, at)?));
        }
        let Type::Array(element) = &array.ty else {
            return match array.ty {
                Type::Struct(_) => Err(unsupported("subscripts of STRUCT", at)),
                other => Err(invalid(format!("a value of type {other} has no elements"), at)),
            };
        };
        let (mode, position) = match index {
            Expr::Function(function) => {
                let mode = function.name.to_string().to_ascii_uppercase();
                match (mode.as_str(), &function.args) {
                    ("OFFSET" | "ORDINAL" | "SAFE_OFFSET" | "SAFE_ORDINAL", FunctionArguments::List(list)) => {
                        match list.args.as_slice() {
                            [FunctionArg::Unnamed(FunctionArgExpr::Expr(position))] => (mode, position),
                            _ => return Err(invalid(format!("{mode} takes one position"), at)),
                        }
                    }
                    _ => ("OFFSET".to_string(), index),
                }
            }
            position => ("OFFSET".to_string(), position),
        };
        let position = self.expr(position, env)?;
        let position = coerce::to(position, &Type::Int64, at)?;
        let name = match mode.as_str() {
            "OFFSET" => "gs_offset",
            "ORDINAL" => "gs_ordinal",
            "SAFE_OFFSET" => "gs_safe_offset",
            _ => "gs_safe_ordinal",
        };
        Ok(Ex::new(format!("{name}({}, {position})", array.sql), element.as_ref().clone()))
    }
}

/// An array of expressions, of a given or their common type.
pub(super) fn array_of(elements: Vec<Ex>, ty: Option<Type>, at: At) -> Result<Ex> {
    if elements.is_empty() {
        let (element, literal) = match ty {
            Some(ty) => (ty, Literal::No),
            None => (Type::Int64, Literal::EmptyArray),
        };
        let sql = if literal == Literal::No { format!("CAST([] AS {}[])", element.duckdb()) } else { "[]".into() };
        return Ok(Ex { sql, ty: Type::array(element), literal });
    }
    // Nothing but NULLs: the type is still open.
    if ty.is_none() && elements.iter().all(Ex::is_null) {
        let sql = format!("[{}]", vec!["NULL"; elements.len()].join(", "));
        return Ok(Ex { sql, ty: Type::array(Type::Int64), literal: Literal::EmptyArray });
    }
    let (sql, element) = match ty {
        Some(ty) => {
            let sql = elements.into_iter().map(|e| coerce::to(e, &ty, at)).collect::<Result<Vec<_>>>()?;
            (sql, ty)
        }
        None => coerce::unify(elements, "ARRAY", at)?,
    };
    if matches!(element, Type::Array(_)) {
        return Err(invalid("an ARRAY cannot hold ARRAYs: wrap them in STRUCT", at));
    }
    let array = Type::array(element);
    Ok(Ex::new(format!("[{}]", sql.join(", ")), array))
}

/// NULL and `[]` inside of other values need their type told.
pub(super) fn typed_sql(ex: &Ex) -> String {
    match ex.literal {
        Literal::Null | Literal::EmptyArray => format!("CAST({} AS {})", ex.sql, ex.ty.duckdb()),
        _ => ex.sql.clone(),
    }
}

fn implied(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(ident) if ident.value.starts_with('@') => String::new(),
        Expr::Identifier(ident) => ident.value.clone(),
        Expr::CompoundIdentifier(idents) => idents.last().map(|i| i.value.clone()).unwrap_or_default(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::googlesql::types::StructField;

    #[test]
    fn unnamed_fields_get_names_of_their_own_in_duckdb() {
        let col = |name: &str| Col { name: name.into(), ex: Ex::new("1::BIGINT", Type::Int64) };
        let packed = pack(&[col(""), col("a"), col("A")]);
        assert_eq!(packed.sql, r#"struct_pack("_field_1" := 1::BIGINT, "a" := 1::BIGINT, "_field_3" := 1::BIGINT)"#);
        let fields = ["", "a", "A"].map(|n| StructField { name: n.into(), field_type: Type::Int64 });
        assert_eq!(packed.ty, Type::Struct(fields.to_vec()));
    }
}
