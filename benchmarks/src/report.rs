//! Results, and the table of them.

use std::fmt::Write as _;

use crate::limits::LIMIT;
use crate::peers::OURS;

/// A row with the seconds of all who took part.
pub struct Measured {
    pub part: &'static str,
    pub row: String,
    pub size: &'static str,
    /// Limits and peers, in the order in which they were asked.
    pub seconds: Vec<(&'static str, f64)>,
}

impl Measured {
    /// The best of the limits.
    pub fn limit(&self) -> f64 {
        let limits = self
            .seconds
            .iter()
            .filter(|(name, _)| name.starts_with(LIMIT));
        limits.map(|(_, s)| *s).fold(f64::INFINITY, f64::min)
    }

    pub fn of(&self, peer: &str) -> Option<f64> {
        let found = self.seconds.iter().find(|(name, _)| *name == peer);
        found.map(|(_, seconds)| *seconds)
    }

    /// Everyone but the limits and us, fastest first.
    pub fn others(&self) -> Vec<(&'static str, f64)> {
        let other = |name: &str| !name.starts_with(LIMIT) && name != OURS;
        let mut others = self.seconds.clone();
        others.retain(|(name, _)| other(name));
        others.sort_by(|a, b| a.1.total_cmp(&b.1));
        others
    }
}

/// What each part is about.
pub const PARTS: &[(&str, &str)] = &[
    ("short", "Work whose time does not depend on the size"),
    ("warm", "Into memory that was written before"),
    ("fresh", "The result is allocated"),
    ("reduce", "Reductions and equality"),
    ("frames", "A 1080p frame of `u8` for two threads"),
    (
        "messages",
        "Bytes of a 1080p image, and an image of bytes, in memory",
    ),
];

/// All tables as Markdown.
pub fn markdown(all: &[Measured], about: &str) -> String {
    let mut text = format!("# kornia-tensor and its peers\n\n{about}\n");
    for (part, title) in PARTS {
        let rows: Vec<_> = all.iter().filter(|row| row.part == *part).collect();
        if rows.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n## {title}\n");
        if *part == "messages" {
            text.push_str("| direction | limit | as a multiple of the limit, fastest first |\n|---|---:|---|\n");
            for row in rows {
                let _ = writeln!(text, "{}", list(row));
            }
            continue;
        }
        text.push_str("| work | limit | kornia-tensor | / limit | best other | ahead | others, fastest first |\n");
        text.push_str("|---|---:|---:|---:|---:|---:|---|\n");
        for row in rows {
            let _ = writeln!(text, "{}", line(row));
        }
    }
    text
}

/// Formats are many and ours several: one list.
fn list(row: &Measured) -> String {
    let limit = row.limit();
    let others = row.others();
    let others = others
        .iter()
        .map(|(name, seconds)| format!("{name} {:.2}", seconds / limit));
    let others: Vec<_> = others.collect();
    format!("| {} | {} | {} |", row.row, time(limit), others.join(", "))
}

fn line(row: &Measured) -> String {
    let (limit, others) = (row.limit(), row.others());
    let ours = row.of(OURS);
    let (best, rest) = match others.split_first() {
        Some(((name, seconds), rest)) => (format!("{} {name}", time(*seconds)), rest),
        None => ("-".to_string(), &[][..]),
    };
    let rest: Vec<_> = rest
        .iter()
        .map(|(name, s)| format!("{name} {}", time(*s)))
        .collect();
    // A tie is within 5%.
    let ahead = match (ours, others.first()) {
        (Some(ours), Some((_, best))) if ours > best * 1.05 => {
            format!("**no** ({:.2})", best / ours)
        }
        (Some(ours), Some((_, best))) => format!("{:.2}", best / ours),
        _ => "-".to_string(),
    };
    let show = |seconds: Option<f64>| seconds.map_or("-".to_string(), time);
    let ratio = ours.map_or("-".to_string(), |ours| format!("{:.2}", ours / limit));
    format!(
        "| {} {} | {} | {} | {ratio} | {best} | {ahead} | {} |",
        row.row,
        row.size,
        show(limit.is_finite().then_some(limit)),
        show(ours),
        rest.join(", ")
    )
}

/// Three digits and a unit.
pub fn time(seconds: f64) -> String {
    let (number, unit) = match seconds {
        s if s < 1e-6 => (s * 1e9, "ns"),
        s if s < 1e-3 => (s * 1e6, "µs"),
        s => (s * 1e3, "ms"),
    };
    let digits = match number {
        n if n < 10.0 => 2,
        n if n < 100.0 => 1,
        _ => 0,
    };
    format!("{number:.digits$} {unit}")
}
