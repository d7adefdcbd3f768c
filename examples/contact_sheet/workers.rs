//! Four threads, and channels to and from them.

use std::sync::mpsc;
use std::thread;

/// How many threads work.
pub(crate) const WORKERS: usize = 4;

/// `work` of each job, in order, computed by worker threads that the jobs are dealt to like cards.
///
/// Nothing here is about tensors. A window of a photograph is a value like any other: it moves
/// through a channel, outlives the function that cut it, and needs no lock, since nobody can
/// write the pixels while two handles see them.
pub(crate) fn map<J, R>(
    jobs: impl IntoIterator<Item = J>,
    work: impl Fn(J) -> R + Clone + Send + 'static,
) -> Vec<R>
where
    J: Send + 'static,
    R: Send + 'static,
{
    let (done, results) = mpsc::channel();
    let (queues, threads): (Vec<_>, Vec<_>) = (0..WORKERS)
        .map(|_| {
            let (queue, inbox) = mpsc::channel();
            let (done, work) = (done.clone(), work.clone());
            let thread = thread::spawn(move || {
                for (number, job) in inbox {
                    let _ = done.send((number, work(job)));
                }
            });
            (queue, thread)
        })
        .unzip();

    for (number, job) in jobs.into_iter().enumerate() {
        let _ = queues[number % WORKERS].send((number, job));
    }
    drop((queues, done)); // no more jobs, and no results but the workers'

    let mut results: Vec<_> = results.into_iter().collect();
    for thread in threads {
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
    results.sort_by_key(|&(number, _)| number);
    results.into_iter().map(|(_, result)| result).collect()
}
