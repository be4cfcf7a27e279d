//! Lists of statements, branches, loops and blocks.

use std::time::Instant;

use super::{Interpreter, Tail, frames::Variable, raised::Stop};
use crate::{
    WarehouseError,
    googlesql::{
        Constant, Statement,
        script::{Kind, Node},
    },
};

/// Where a script goes on after a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    /// Out of the innermost loop, or of what has the label.
    Break(Option<String>),
    /// To the next turn of the innermost loop, or of the one with the label.
    Continue(Option<String>),
    Return,
}

impl Interpreter<'_> {
    /// Runs statements one after another. `is_last` says that with them the script ends.
    pub(super) fn list(&mut self, nodes: &[Node], is_last: bool) -> Result<Flow, Stop> {
        let returns = nodes.iter().rev().take_while(|node| node.kind == Kind::Return).count();
        let length = nodes.len() - returns;
        for (index, node) in nodes.iter().enumerate() {
            let flow = self.node(node, is_last && index + 1 == length)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn node(&mut self, node: &Node, is_last: bool) -> Result<Flow, Stop> {
        self.session.check().map_err(Stop::Fatal)?;
        match &node.kind {
            Kind::If { branches, otherwise } => {
                for (condition, body) in branches {
                    if self.holds(condition)? {
                        return self.list(body, is_last);
                    }
                }
                self.list(otherwise, is_last)
            }
            Kind::Case { operand, branches, otherwise } => self.case(operand.as_ref(), branches, otherwise, is_last),
            Kind::Loop { label, body } => self.turns(label.as_deref(), body, |_| Ok(true), |_| Ok(false)),
            Kind::While { label, condition, body } => {
                self.turns(label.as_deref(), body, |i| i.holds(condition), |_| Ok(false))
            }
            Kind::Repeat { label, body, until } => self.turns(label.as_deref(), body, |_| Ok(true), |i| i.holds(until)),
            Kind::For { label, variable, query, body } => self.rows_in_turn(label.as_deref(), variable, query, body),
            Kind::Block { label, body, handler } => {
                let flow = self.block(body, handler.as_deref(), is_last)?;
                match flow {
                    Flow::Break(Some(wanted)) if is_label(label.as_deref(), &wanted) => Ok(Flow::Next),
                    flow => Ok(flow),
                }
            }
            Kind::Break(label) => Ok(Flow::Break(label.clone())),
            Kind::Continue(label) => Ok(Flow::Continue(label.clone())),
            Kind::Return => Ok(Flow::Return),
            _ => {
                let clock = Instant::now();
                if self.leaf(node, is_last)? {
                    self.tell(&node.statement, None, clock);
                }
                Ok(Flow::Next)
            }
        }
    }

    fn case(
        &mut self,
        operand: Option<&Statement>,
        branches: &[(Statement, Vec<Node>)],
        otherwise: &[Node],
        is_last: bool,
    ) -> Result<Flow, Stop> {
        let operand = operand.map(|operand| self.value(operand, None)).transpose()?;
        for (condition, body) in branches {
            let is_this = match &operand {
                Some(operand) => self.equals(operand, condition)?,
                None => self.holds(condition)?,
            };
            if is_this {
                return self.list(body, is_last);
            }
        }
        self.list(otherwise, is_last)
    }

    /// Turns of a loop, each if `goes_on` says so before and until `is_over` says so after.
    fn turns(
        &mut self,
        label: Option<&str>,
        body: &[Node],
        goes_on: impl Fn(&mut Self) -> Result<bool, Stop>,
        is_over: impl Fn(&mut Self) -> Result<bool, Stop>,
    ) -> Result<Flow, Stop> {
        while goes_on(self)? {
            self.session.check().map_err(Stop::Fatal)?;
            match turn(self.list(body, false)?, label) {
                Turn::Next if is_over(self)? => break,
                Turn::Next => {}
                Turn::Over => break,
                Turn::Leave(flow) => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    /// `FOR variable IN (query)`: the rows are those of the beginning, whatever the turns do.
    fn rows_in_turn(
        &mut self,
        label: Option<&str>,
        variable: &str,
        query: &Statement,
        body: &[Node],
    ) -> Result<Flow, Stop> {
        let clock = Instant::now();
        let table = self.rows(query)?;
        self.tell(query, Some(table.rows.len() as u64), clock);
        let fields: Vec<String> = table.columns.iter().map(|(name, ty)| format!("`{name}` {ty}")).collect();
        let column_type = format!("STRUCT<{}>", fields.join(", "));
        for row in &table.rows {
            let value = record(table.constants(row).map_err(Stop::Fatal)?, &column_type, &table.columns);
            let depth = self.enter();
            let is_free = self.frames.last_mut().is_some_and(|frame| frame.declare(variable, value));
            let flow = match is_free {
                true => self.list(body, false),
                false => Err(self.raised(format!("variable {variable} is declared already"), query)),
            };
            self.leave(depth);
            match turn(flow?, label) {
                Turn::Next => {}
                Turn::Over => break,
                Turn::Leave(flow) => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    fn block(&mut self, body: &[Node], handler: Option<&[Node]>, is_last: bool) -> Result<Flow, Stop> {
        let depth = self.enter();
        let result = self.list(body, is_last);
        // What the block declared is out of sight for its handler.
        self.leave(depth);
        match (result, handler) {
            (Err(Stop::Raised(raised)), Some(handler)) => {
                self.system.push_error(*raised);
                let result = self.list(handler, is_last);
                self.system.pop_error();
                result
            }
            (result, _) => result,
        }
    }

    fn enter(&mut self) -> usize {
        let Some(frame) = self.frames.last_mut() else { return 0 };
        frame.scopes.push(Vec::new());
        frame.scopes.len() - 1
    }

    fn leave(&mut self, depth: usize) {
        if let Some(frame) = self.frames.last_mut() {
            frame.scopes.truncate(depth);
        }
    }

    /// An error of the script's own making.
    pub(super) fn raised(&self, message: String, statement: &Statement) -> Stop {
        let error = WarehouseError::Invalid { message, line: Some(statement.line), column: Some(statement.column) };
        Stop::of(error, statement, &self.frame().procedure)
    }

    /// Whether the script's last query is for a table.
    pub(super) fn destination(&self, is_last: bool) -> Option<&crate::Destination> {
        match &self.tail {
            Tail::Into(destination) if is_last => Some(destination),
            _ => None,
        }
    }
}

/// What the end of a turn means for its loop.
enum Turn {
    Next,
    Over,
    Leave(Flow),
}

fn turn(flow: Flow, label: Option<&str>) -> Turn {
    match flow {
        Flow::Next | Flow::Continue(None) => Turn::Next,
        Flow::Break(None) => Turn::Over,
        Flow::Continue(Some(wanted)) if is_label(label, &wanted) => Turn::Next,
        Flow::Break(Some(wanted)) if is_label(label, &wanted) => Turn::Over,
        flow => Turn::Leave(flow),
    }
}

fn is_label(label: Option<&str>, wanted: &str) -> bool {
    label.is_some_and(|label| label.eq_ignore_ascii_case(wanted))
}

/// A row as a STRUCT.
fn record(fields: Vec<Constant>, column_type: &str, columns: &[(String, String)]) -> Constant {
    let members: Vec<(String, crate::embedded::types::Type)> = columns
        .iter()
        .filter_map(|(name, ty)| Some((name.clone(), crate::embedded::types::Type::from_bigquery(ty).ok()?)))
        .collect();
    let names = crate::embedded::types::member_names(&members);
    let packed: Vec<String> = names
        .iter()
        .zip(&fields)
        .map(|(name, value)| format!("{} := {}", crate::googlesql::quote(name), value.sql))
        .collect();
    Constant {
        column_type: column_type.to_owned(),
        sql: format!("struct_pack({})", packed.join(", ")),
        text: None,
        fields,
    }
}

/// A variable of a name.
pub(super) fn variable(name: &str, value: Constant) -> Variable {
    Variable { name: name.to_owned(), value }
}
