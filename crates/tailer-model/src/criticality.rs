//! What a failed task does to its run (`spec/semantics.md`, Criticality).

// CONTRACT (helper model completes: docs, FromStr, Display, tests)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Criticality {
    #[default]
    Critical,
    Warning,
    Transparent,
    Break,
    Stop,
}

/// Folded over the failed tasks of a run by [`Criticality`]: how the run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    pub status: crate::RunStatus,
    pub sub_status: crate::SubStatus,
    /// Whether the run counts as a success for workflows.
    pub counts: bool,
}

// CONTRACT:
// impl Criticality {
//     pub fn dependants_go_on(self) -> bool      // warning, transparent
//     pub fn stops_run(self) -> bool             // critical
// }
// pub fn verdict(failed: impl IntoIterator<Item = Criticality>) -> Verdict   // the worst wins
