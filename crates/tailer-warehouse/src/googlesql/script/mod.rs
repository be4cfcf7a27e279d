//! GoogleSQL's procedural language: a script as a tree of statements.
//!
//! [`parse()`] reads structure only. Whatever the translator understands (queries, DML, DDL, expressions, types) stays text with its
//! place, so that an error in it says where in the user's file. What is wrong with the structure itself (a `BREAK` outside of
//! loops, a label that nothing has, a `DECLARE` in the middle) is found here, before anything of the script runs.

mod cursor;
mod literals;
mod parser;
mod procedure;
mod statements;

pub use literals::{elements, string_literal};
pub use parser::parse;
pub use procedure::parse_procedure;

use super::Statement;

/// One statement, with everything that is nested in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The whole text with its place; of a control statement too.
    pub statement: Statement,
    pub kind: Kind,
}

/// What a statement is. Names keep the user's case; they are compared without it.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A query, DML or DDL: for the translator.
    Sql,
    Declare {
        names: Vec<String>,
        data_type: Option<Statement>,
        default: Option<Statement>,
    },
    Set {
        targets: Vec<String>,
        /// `SET (a, b) = …`, also with one name.
        is_tuple: bool,
        value: Statement,
    },
    If {
        branches: Vec<(Statement, Vec<Node>)>,
        otherwise: Vec<Node>,
    },
    Case {
        operand: Option<Statement>,
        branches: Vec<(Statement, Vec<Node>)>,
        otherwise: Vec<Node>,
    },
    Loop {
        label: Option<String>,
        body: Vec<Node>,
    },
    While {
        label: Option<String>,
        condition: Statement,
        body: Vec<Node>,
    },
    Repeat {
        label: Option<String>,
        body: Vec<Node>,
        until: Statement,
    },
    For {
        label: Option<String>,
        variable: String,
        query: Statement,
        body: Vec<Node>,
    },
    Block {
        label: Option<String>,
        body: Vec<Node>,
        /// `EXCEPTION WHEN ERROR THEN …`
        handler: Option<Vec<Node>>,
    },
    /// `BREAK` and `LEAVE`.
    Break(Option<String>),
    /// `CONTINUE` and `ITERATE`.
    Continue(Option<String>),
    Raise(Option<Statement>),
    Return,
    ExecuteImmediate {
        sql: Statement,
        into: Vec<String>,
        using: Vec<(Statement, Option<String>)>,
    },
    Call(Call),
    CreateProcedure(CreateProcedure),
    DropProcedure {
        if_exists: bool,
        path: Vec<String>,
    },
    Assert {
        condition: Statement,
        message: Option<String>,
    },
    BeginTransaction,
    CommitTransaction,
    RollbackTransaction,
}

/// `CALL path(arguments)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Parts of the name, wherever its dots stand.
    pub path: Vec<String>,
    pub arguments: Vec<Statement>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateProcedure {
    pub or_replace: bool,
    pub if_not_exists: bool,
    pub path: Vec<String>,
    pub parameters: Vec<Parameter>,
    pub body: Vec<Node>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    pub name: String,
    pub mode: Mode,
    /// `None` is `ANY TYPE`.
    pub data_type: Option<Statement>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    In,
    Out,
    InOut,
}

impl Kind {
    /// Whether it is a statement without others in it.
    pub fn is_leaf(&self) -> bool {
        !matches!(
            self,
            Kind::If { .. }
                | Kind::Case { .. }
                | Kind::Loop { .. }
                | Kind::While { .. }
                | Kind::Repeat { .. }
                | Kind::For { .. }
                | Kind::Block { .. }
                | Kind::Break(_)
                | Kind::Continue(_)
                | Kind::Return
        )
    }
}
