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
    ("formats", "A 1080p image in formats of files, in memory"),
    ("files", "A 1080p image in a file"),
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
        if *part == "files" {
            text.push_str(
                "`write, rename` leaves the old file or the new one, whenever the program ends, and \
                 so does kornia-tensor; `create, write` can leave half a file, and \
                 so do ndarray-npy, candle's npy and npz, and numpy. safetensors renames too.\n\n",
            );
            text.push_str("| file | limits | kornia-tensor | / limits | best other | ahead | others, fastest first |\n");
            text.push_str("|---|---|---:|---:|---:|---:|---|\n");
            for row in rows {
                let _ = writeln!(text, "{}", line_of_limits(row));
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
    let limit = row.limit();
    let ours = row.of(OURS);
    let ratio = ours.map_or("-".to_string(), |ours| format!("{:.2}", ours / limit));
    let limit = if limit.is_finite() {
        time(limit)
    } else {
        "-".to_string()
    };
    format!(
        "| {} {} | {limit} | {}",
        row.row,
        row.size,
        compared(row, &ratio)
    )
}

/// Of files there are several limits, which promise different things: each is shown.
fn line_of_limits(row: &Measured) -> String {
    let limits = row
        .seconds
        .iter()
        .filter(|(name, _)| name.starts_with(LIMIT));
    let (mut names, mut ratios) = (Vec::new(), Vec::new());
    for (name, seconds) in limits {
        let name = name.trim_start_matches(LIMIT).trim_start_matches(": ");
        names.push(format!("{name} {}", time(*seconds)));
        ratios.extend(row.of(OURS).map(|ours| format!("{:.2}", ours / seconds)));
    }
    let ratios = compared(row, &ratios.join(", "));
    format!("| {} | {} | {ratios}", row.row, names.join("; "))
}

/// Our time and its ratio to the limit, and everyone else's.
fn compared(row: &Measured, ratio: &str) -> String {
    let (ours, others) = (row.of(OURS), row.others());
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
    let ours = ours.map_or("-".to_string(), time);
    format!(
        "{ours} | {ratio} | {best} | {ahead} | {} |",
        rest.join(", ")
    )
}

/// A line for each kind of work: for each size the multiple of the limit, and how far the best other
/// is behind.
pub fn summary(all: &[Measured]) -> String {
    let mut text = String::new();
    for (part, title) in PARTS {
        let rows: Vec<_> = all.iter().filter(|row| row.part == *part).collect();
        let mut sizes: Vec<_> = rows.iter().map(|row| group(row.size)).collect();
        sizes.sort_by_key(|size| {
            ["256x256", "1080p", "4K"]
                .iter()
                .position(|known| known == size)
        });
        sizes.dedup();
        if sizes.is_empty() || sizes == [""] {
            continue;
        }
        let _ = writeln!(text, "{title}\n\n| work | {} |", sizes.join(" | "));
        let _ = writeln!(text, "|---|{}", "---|".repeat(sizes.len()));
        let mut names: Vec<_> = rows.iter().map(|row| &row.row).collect();
        names.dedup();
        for name in names {
            let cells = sizes.iter().map(|size| {
                let same = |row: &&&Measured| row.row == *name && group(row.size) == *size;
                rows.iter()
                    .find(same)
                    .map_or("-".to_string(), |row| cell(row))
            });
            let cells: Vec<_> = cells.collect();
            let _ = writeln!(text, "| `{name}` | {} |", cells.join(" | "));
        }
        text.push('\n');
    }
    text
}

fn cell(row: &Measured) -> String {
    let others = row.others();
    let (Some(ours), Some((name, best))) = (row.of(OURS), others.first()) else {
        return "-".to_string();
    };
    let (ratio, ahead) = (ours / row.limit(), best / ours);
    match ahead {
        ..0.95 => format!("{ratio:.2}; **{ahead:.2} {name}**"),
        _ => format!("{ratio:.2}; {ahead:.2} {name}"),
    }
}

/// Which sizes go together.
pub fn group(size: &str) -> &str {
    match size {
        "256²" => "256x256",
        "1024²" => "1080p",
        "4096²" => "4K",
        size => size,
    }
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
