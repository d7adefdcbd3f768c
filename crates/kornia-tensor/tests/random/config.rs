//! How many random cases to run, and where failing ones are kept.

use proptest::test_runner::{Config, FileFailurePersistence};

/// proptest's default, which `PROPTEST_CASES` overrides. Under Miri, which is some hundred times
/// slower and may not touch files, at most `under_miri` cases.
pub(crate) fn config(under_miri: u32) -> Config {
    let config = Config {
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    if cfg!(miri) {
        return Config {
            cases: config.cases.min(under_miri),
            failure_persistence: None,
            ..config
        };
    }
    Config {
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..config
    }
}
