//! The memory of the process and the pool over time, as numbers and as a plot.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;

use kornia_tensor::{Pool, PoolStats};
use plotters::prelude::*;

use crate::frame::FRAME_BYTES;
use crate::options::Options;
use crate::pipeline::Tally;

#[derive(Default)]
pub(crate) struct Watch {
    looks: Vec<Look>,
}

#[derive(Clone, Copy)]
struct Look {
    frames: u64,
    /// Bytes of memory the process has, as Linux counts them.
    resident: Option<usize>,
    pool: PoolStats,
}

/// `VmRSS` of `/proc/self/status`.
fn resident() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: usize = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib * 1024)
}

fn mib(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

impl Watch {
    /// Writes down how things are.
    pub(crate) fn look(&mut self, pool: &Pool, tally: &Tally) {
        self.looks.push(Look {
            frames: tally.frames.load(Relaxed),
            resident: resident(),
            pool: pool.stats(),
        });
    }

    /// The last look in a few words.
    pub(crate) fn now(&self) -> String {
        let Some(look) = self.looks.last() else {
            return String::new();
        };
        let hits = 100.0 * look.pool.hit_rate();
        match look.resident {
            Some(bytes) => format!("{:.0} MiB, {hits:.2}% hits", mib(bytes)),
            None => format!("{hits:.2}% hits"),
        }
    }

    /// The most memory there was while this part of the frames came.
    fn peak(&self, from: f64, to: f64) -> Option<usize> {
        let last = self.looks.last()?.frames as f64;
        let part = (from * last) as u64..=(to * last) as u64;
        let looks = self.looks.iter().filter(|look| part.contains(&look.frames));
        looks.filter_map(|look| look.resident).max()
    }

    /// Whether the last fifth of the frames found no more memory in use than the second did,
    /// but for three frames: lifetimes are random, and now and then a few more than ever are
    /// alive together.
    pub(crate) fn is_flat(&self) -> (bool, String) {
        match (self.peak(0.2, 0.4), self.peak(0.8, 1.0)) {
            (Some(early), Some(late)) => {
                let growth = mib(late) - mib(early);
                let text = format!(
                    "peak {:.1} MiB in the second fifth, {:.1} MiB in the last: {growth:+.1} MiB",
                    mib(early),
                    mib(late)
                );
                (growth <= 3.0 * mib(Pool::block_bytes(FRAME_BYTES)), text)
            }
            _ => (
                true,
                "not known on this system, or the run was too short".into(),
            ),
        }
    }

    /// Memory and hits over frames, as `soak.svg`.
    pub(crate) fn draw(&self, options: &Options) -> Result<PathBuf, Box<dyn Error>> {
        fs::create_dir_all(&options.out)?;
        let path = options.out.join("soak.svg");
        let frames = 0..self.looks.last().map_or(1, |look| look.frames.max(1));
        let thousands = |&frames: &u64| match (frames / 1000, frames % 1000) {
            (thousands @ 1.., 0) => format!("{thousands},000"),
            _ => frames.to_string(),
        };
        // A thousand points are as many as can be seen.
        let looks: Vec<Look> = {
            let step = self.looks.len().div_ceil(1000).max(1);
            self.looks
                .iter()
                .copied()
                .step_by(step)
                .chain(self.looks.last().copied())
                .collect()
        };
        {
            let root = SVGBackend::new(&path, (960, 640)).into_drawing_area();
            root.fill(&WHITE)?;
            let title = format!(
                "{} frames of 1080p, four stages, two threads, one pool",
                thousands(&frames.end)
            );
            let root = root.titled(&title, ("sans-serif", 20))?;
            let (upper, lower) = root.split_vertically(350);

            let top = looks
                .iter()
                .map(|look| mib(look.resident.unwrap_or(0).max(look.pool.high_water)))
                .fold(1.0, f64::max);
            let mut memory = ChartBuilder::on(&upper)
                .caption("memory (MiB)", ("sans-serif", 15))
                .margin(12)
                .margin_right(36)
                .x_label_area_size(24)
                .y_label_area_size(64)
                .build_cartesian_2d(frames.clone(), 0.0..top * 1.4)?;
            memory
                .configure_mesh()
                .x_label_formatter(&thousands)
                .light_line_style(WHITE)
                .draw()?;
            let held = |look: &Look| look.pool.bytes_live + look.pool.bytes_idle;
            let line = |value: &dyn Fn(&Look) -> usize, colour: RGBColor| {
                let points: Vec<_> = looks
                    .iter()
                    .map(|look| (look.frames, mib(value(look))))
                    .collect();
                LineSeries::new(points, colour.stroke_width(2))
            };
            for (name, colour, value) in [
                (
                    "of the process (RSS)",
                    RGBColor(0x21, 0x66, 0xAC),
                    &(|look: &Look| look.resident.unwrap_or(0)) as &dyn Fn(&Look) -> usize,
                ),
                (
                    "of the pool, live and idle",
                    RGBColor(0xE0, 0x82, 0x14),
                    &held,
                ),
                (
                    "in use by frames",
                    RGBColor(0x7F, 0xBC, 0x41),
                    &|look: &Look| look.pool.bytes_live,
                ),
            ] {
                memory
                    .draw_series(line(value, colour))?
                    .label(name)
                    .legend(move |(x, y)| {
                        PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(3))
                    });
            }
            memory
                .configure_series_labels()
                .position(SeriesLabelPosition::UpperRight)
                .background_style(WHITE.mix(0.85))
                .draw()?;

            let mut hits = ChartBuilder::on(&lower)
                .caption("pool hits since the start (%)", ("sans-serif", 15))
                .margin(12)
                .margin_right(36)
                .x_label_area_size(32)
                .y_label_area_size(64)
                .build_cartesian_2d(frames, 99.0..100.05)?;
            hits.configure_mesh()
                .x_desc("frames")
                .x_label_formatter(&thousands)
                .y_label_formatter(&|y| format!("{y:.1}"))
                .light_line_style(WHITE)
                .draw()?;
            let rates = looks
                .iter()
                .map(|look| (look.frames, 100.0 * look.pool.hit_rate()))
                .filter(|&(_, rate)| rate >= 99.0);
            hits.draw_series(LineSeries::new(
                rates,
                RGBColor(0x21, 0x66, 0xAC).stroke_width(2),
            ))?;
            root.present()?;
        }
        Ok(path)
    }
}
