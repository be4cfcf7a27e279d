//! The procedures and what they take.

/// What an argument is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// `'project.dataset'` or `'dataset'`.
    Dataset,
    Table,
    /// A column's name, or an expression over columns, as text.
    Column,
    TargetDataset,
    TargetTable,
    TargetColumn,
    /// A condition as text.
    Condition,
    /// A type as text.
    Type,
    /// A column's name or a date, as text.
    ColumnOrDate,
    /// Any expression.
    Value,
    Array,
    Date,
    Dates,
    Minimum,
    Threshold,
}

impl Argument {
    /// Whether its value becomes part of the query's text.
    pub(super) fn is_text(self) -> bool {
        use Argument as A;
        matches!(
            self,
            A::Dataset
                | A::Table
                | A::Column
                | A::TargetDataset
                | A::TargetTable
                | A::TargetColumn
                | A::Condition
                | A::Type
                | A::ColumnOrDate
        )
    }

    fn name(self) -> &'static str {
        use Argument as A;
        match self {
            A::Dataset => "dataset",
            A::Table => "tablename",
            A::Column => "column",
            A::TargetDataset => "target_dataset",
            A::TargetTable => "target_tablename",
            A::TargetColumn => "target_column",
            A::Condition => "condition",
            A::Type => "type",
            A::ColumnOrDate => "date",
            A::Value | A::Array => "value",
            A::Date => "start_date",
            A::Dates => "exceptions",
            A::Minimum => "minimum",
            A::Threshold => "threshold",
        }
    }
}

/// A procedure: its name and what it takes after dataset and table.
#[derive(Debug, PartialEq, Eq)]
pub struct Procedure {
    pub name: &'static str,
    pub arguments: &'static [Argument],
    /// How many of the last arguments may be left out.
    pub optional: usize,
}

impl Procedure {
    /// `unique(dataset, tablename, column[, threshold])`
    #[must_use]
    pub fn signature(&self) -> String {
        let mut text = format!("{}(dataset, tablename", self.name);
        let needed = self.arguments.len() - self.optional;
        for (index, argument) in self.arguments.iter().enumerate() {
            let open = if index >= needed { "[" } else { "" };
            text.push_str(&format!("{open}, {}", argument.name()));
        }
        text.push_str(&"]".repeat(self.optional));
        text.push(')');
        text
    }
}

use Argument::{
    Array, Column, ColumnOrDate, Condition, Date, Dates, Minimum, TargetColumn, TargetDataset, TargetTable, Threshold,
    Type, Value,
};

const fn procedure(name: &'static str, arguments: &'static [Argument], optional: usize) -> Procedure {
    Procedure { name, arguments, optional }
}

/// All of them. A threshold that the documents do not give every procedure may be given all the same.
pub const PROCEDURES: &[Procedure] = &[
    procedure("primarykey_named", &[Column, Threshold], 0),
    procedure("primarykey", &[Threshold], 0),
    procedure("primarykey_where", &[Threshold, Condition], 0),
    procedure("foreignkey", &[Column, TargetDataset, TargetTable, TargetColumn, Threshold], 0),
    procedure("foreignkey_where", &[Column, Condition, TargetDataset, TargetTable, TargetColumn, Threshold], 0),
    procedure("everyday_since", &[Column, Date, Dates, Minimum], 0),
    procedure("everyday_increasing_since", &[ColumnOrDate, Date], 1),
    procedure("everyweek_since", &[Column, Date, Dates, Minimum], 0),
    procedure("everymonth_since", &[Column, Date, Dates, Minimum], 0),
    procedure("table_count_greater", &[Value, Threshold], 1),
    procedure("table_count_between", &[Array, Threshold], 1),
    procedure("table_count_equal", &[Value, Threshold], 1),
    procedure("table_count_equal_other_table", &[TargetDataset, TargetTable, Threshold], 0),
    procedure("unique", &[Column, Threshold], 1),
    procedure("not_null", &[Column, Threshold], 0),
    procedure("null", &[Column, Threshold], 0),
    procedure("type", &[Column, Type, Threshold], 1),
    procedure("values_to_contain", &[Column, Value, Minimum, Threshold], 0),
    procedure("values_to_be_between", &[Column, Array, Threshold], 0),
    procedure("values_to_be_in_set", &[Column, Array, Threshold], 0),
    procedure("values_to_not_be_in_set", &[Column, Array, Threshold], 0),
];
