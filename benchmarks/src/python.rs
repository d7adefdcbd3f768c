//! NumPy, OpenCV, PyTorch and safetensors of Python take part through a process that waits for its turns.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use crate::input::Output;
use crate::measure::Candidate;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/peers.py");
/// They are told apart by name, and a name lives as long as the program.
pub const NAMES: [&str; 4] = ["numpy", "cv2", "torch", "safetensors (Python)"];

/// The process. It ends with the last handle, because its input does.
#[derive(Clone)]
pub struct Python(Rc<RefCell<Pipes>>);

struct Pipes {
    child: Child,
    ask: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Drop for Pipes {
    fn drop(&mut self) {
        drop(self.ask.take());
        let _ = self.child.wait();
    }
}

impl Python {
    /// Starts it, and has the versions of those who are there.
    pub fn start(interpreter: &Path) -> Result<(Self, String), String> {
        let mut child = Command::new(interpreter)
            .arg(SCRIPT)
            .envs(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"].map(|v| (v, "1")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let (ask, answers) = (child.stdin.take(), child.stdout.take());
        let answers = BufReader::new(answers.ok_or("no output")?);
        let python = Self(Rc::new(RefCell::new(Pipes {
            child,
            ask,
            answers,
        })));
        let versions = python.ask("versions")?;
        Ok((python, versions))
    }

    fn ask(&self, question: &str) -> Result<String, String> {
        let mut pipes = self.0.borrow_mut();
        let ask = pipes.ask.as_mut().ok_or("it has ended")?;
        writeln!(ask, "{question}").map_err(|error| error.to_string())?;
        ask.flush().map_err(|error| error.to_string())?;
        let mut answer = String::new();
        let read = pipes.answers.read_line(&mut answer);
        match read.map_err(|error| error.to_string())? {
            0 => Err("it has ended".to_string()),
            _ => Ok(answer.trim().to_string()),
        }
    }

    /// Those who can do a row and come to the same result, and complaints about the others.
    pub fn candidates(
        &self,
        row: &str,
        shape: [usize; 3],
        mode: &str,
        expected: &Output,
        wanted: impl Fn(&str) -> bool,
    ) -> (Vec<Candidate>, Vec<String>) {
        let (mut candidates, mut complaints) = (Vec::new(), Vec::new());
        let [h, w, c] = shape;
        let answer = match self.ask(&format!("make {row} {h} {w} {c} {mode}")) {
            Ok(answer) => answer,
            Err(error) => return (candidates, vec![format!("python: {error}")]),
        };
        for part in answer.split_whitespace() {
            let Some((name, digest)) = part.split_once('=') else {
                complaints.push(format!("python: {answer}"));
                break;
            };
            let known = |known: &&&str| known.split(' ').next() == Some(name) && wanted(known);
            let Some(&name) = NAMES.iter().find(known) else {
                continue;
            };
            let (seen, expected) = (digest.parse().unwrap_or(f64::NAN), expected.digest());
            let near = (seen - expected).abs() <= 1e-4 * (1.0 + f64::abs(expected));
            if near {
                candidates.push(self.candidate(name));
            } else {
                complaints.push(format!("{name}: digest {seen} and {expected}"));
            }
        }
        (candidates, complaints)
    }

    fn candidate(&self, name: &'static str) -> Candidate {
        let python = self.clone();
        Candidate::timed(name, move |times| {
            let peer = name.split(' ').next().unwrap_or_default();
            let nanoseconds = python.ask(&format!("time {peer} {times}"));
            let nanoseconds = nanoseconds.and_then(|n| n.parse().map_err(|_| n));
            Duration::from_nanos(nanoseconds.expect("the script times what it made"))
        })
    }
}
