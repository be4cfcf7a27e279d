//! context in readable form. Values are read from the redacted document: any of them may be a secret.

use super::Context;
use crate::operation::describe::{Description, Origin, Row, Section, Written, plain};

impl Context {
    pub(in crate::operation) fn describe(&self, top: &Written<'_>) -> Description {
        let all = top.below("parameters");
        let constant = |parameter: &super::Parameter| {
            let written = all.below(&parameter.name);
            let value = written.own.get("value").map(plain).unwrap_or_default();
            let about = [written.text("type"), parameter.resource.clone(), parameter.description.clone()];
            let about: Vec<String> = about.into_iter().flatten().collect();
            Row {
                name: parameter.name.clone(),
                label: parameter.name.clone(),
                value: if value == crate::secret::HIDDEN { "hidden".to_owned() } else { value },
                note: Some(about.join(", ")),
                origin: Origin::Written,
            }
        };
        let rows = self.parameters.iter().map(constant).collect();
        Description { sections: vec![Section { title: "Constants", rows }], parts: Vec::new() }
    }
}
