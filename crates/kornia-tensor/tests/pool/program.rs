//! Random programs against a model of a few lines: the counters are exact, and every block is
//! where the model says.

use kornia_tensor::{Pool, PoolStats, Tensor, TensorAllocatorError, TensorError, WhenFull};
use proptest::prelude::*;

use super::{config::config, small};

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Ask for so many bytes.
    Take(usize),
    /// Drop one of the live tensors, here or on another thread.
    Drop(usize, bool),
    TrimTo(usize),
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => prop_oneof![1..300usize, Just(64), Just(128), Just(250)].prop_map(Step::Take),
        16 => (any::<usize>(), prop::bool::weighted(0.1)).prop_map(|(i, far)| Step::Drop(i, far)),
        2 => (0..600usize).prop_map(Step::TrimTo),
        1 => Just(Step::Close),
    ]
}

/// A block: its address and its size.
type Block = (usize, usize);

#[derive(Default)]
struct Model {
    cap: usize,
    allocates: bool,
    closed: bool,
    live: Vec<Block>,
    /// In the order they came back.
    idle: Vec<Block>,
    stats: PoolStats,
}

fn sum(blocks: &[Block]) -> usize {
    blocks.iter().map(|&(_, size)| size).sum()
}

impl Model {
    fn held(&self) -> usize {
        sum(&self.live) + sum(&self.idle)
    }

    /// What asking for `len` bytes must give: an error, some block, or the one at an address.
    fn take(&mut self, len: usize) -> Result<Option<usize>, TensorAllocatorError> {
        if self.closed {
            return Err(TensorAllocatorError::PoolClosed);
        }
        let size = Pool::block_bytes(len);
        if let Some(last) = self.idle.iter().rposition(|&(_, idle)| idle == size) {
            self.stats.hits += 1;
            return Ok(Some(self.idle.remove(last).0));
        }
        let live = sum(&self.live);
        if live + size > self.cap && !self.allocates {
            return Err(TensorAllocatorError::PoolExhausted {
                requested: size,
                live,
                cap: self.cap,
            });
        }
        while self.held() + size > self.cap && !self.idle.is_empty() {
            self.idle.remove(0);
        }
        self.stats.misses += 1;
        self.stats.high_water = self.stats.high_water.max(self.held() + size);
        Ok(None)
    }

    fn give_back(&mut self, index: usize) {
        let crowded = self.held() > self.cap;
        let block = self.live.remove(index);
        if !self.closed && !crowded {
            self.idle.push(block);
        }
    }

    fn trim_to(&mut self, bytes: usize) -> usize {
        let before = sum(&self.idle);
        while sum(&self.idle) > bytes {
            self.idle.remove(0);
        }
        before - sum(&self.idle)
    }

    /// The counters, in the form the pool prints them.
    fn stats(&self) -> String {
        let mut stats = self.stats;
        stats.bytes_live = sum(&self.live);
        stats.bytes_idle = sum(&self.idle);
        stats.blocks_live = self.live.len();
        stats.blocks_idle = self.idle.len();
        format!("{stats:?}")
    }
}

fn run(cap: Option<usize>, allocates: bool, steps: &[Step]) -> Result<(), TestCaseError> {
    let cap = cap.unwrap_or(usize::MAX);
    let when_full = if allocates {
        WhenFull::Allocate
    } else {
        WhenFull::Fail
    };
    let pool = small().byte_cap(cap).when_full(when_full).build().unwrap();
    let mut model = Model {
        cap,
        allocates,
        ..Model::default()
    };
    // Each tensor holds a number of its own everywhere.
    let mut tensors: Vec<(u8, Tensor<u8, 1>)> = Vec::new();
    for (number, &step) in steps.iter().enumerate() {
        let number = number as u8;
        match step {
            Step::Take(len) => {
                let expected = model.take(len);
                let found = Tensor::try_full_in([len], number, pool.handle());
                match (expected, found) {
                    (Err(expected), Err(TensorError::StorageError(found))) => {
                        prop_assert_eq!(expected, found);
                    }
                    (Ok(address), Ok(tensor)) => {
                        let at = tensor.as_ptr().addr();
                        prop_assert_eq!(address.unwrap_or(at), at);
                        prop_assert!(model.live.iter().all(|&(live, _)| live != at));
                        model.live.push((at, Pool::block_bytes(len)));
                        tensors.push((number, tensor));
                    }
                    (expected, found) => {
                        prop_assert!(false, "{expected:?}, {found:?}");
                    }
                }
            }
            Step::Drop(_, _) if tensors.is_empty() => {}
            Step::Drop(index, far) => {
                let index = index % tensors.len();
                let (number, tensor) = tensors.remove(index);
                prop_assert!(tensor.iter().all(|&byte| byte == number));
                model.give_back(index);
                if far {
                    std::thread::spawn(move || drop(tensor)).join().unwrap();
                }
            }
            Step::TrimTo(bytes) => prop_assert_eq!(pool.trim_to(bytes), model.trim_to(bytes)),
            Step::Close => {
                pool.close();
                model.closed = true;
                model.trim_to(0);
            }
        }
        prop_assert_eq!(
            format!("{:?}", pool.stats()),
            model.stats(),
            "after {:?}",
            step
        );
    }
    for (number, tensor) in &tensors {
        prop_assert!(tensor.iter().all(|byte| byte == number));
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(12))]

    #[test]
    fn a_pool_does_what_the_model_does(
        cap in prop::option::weighted(0.8, 0..1500usize),
        allocates in any::<bool>(),
        steps in prop::collection::vec(step(), 1..if cfg!(miri) { 30 } else { 120 }),
    ) {
        run(cap, allocates, &steps)?;
    }
}
