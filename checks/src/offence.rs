//! What a rule finds.

use std::fmt;

use crate::known::means;

/// A place where a rule does not hold.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Offence {
    rule: &'static str,
    path: String,
    line: usize,
    what: String,
}

impl Offence {
    pub(crate) fn new(
        rule: &'static str,
        path: &str,
        line: usize,
        what: impl Into<String>,
    ) -> Self {
        let (path, what) = (path.to_string(), what.into());
        Self {
            rule,
            path,
            line,
            what,
        }
    }

    /// Whether it breaks this rule in this file or room.
    pub(crate) fn is(&self, rule: &str, path: &str) -> bool {
        self.rule == rule && means(path, &self.path)
    }
}

impl fmt::Display for Offence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rule,
            path,
            line,
            what,
        } = self;
        write!(f, "{path}:{line}: {rule}: {what}")
    }
}
