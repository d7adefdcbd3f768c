//! Wide instructions, chosen at run time.
//!
//! Users build for the default target, which on x86-64 knows 16-byte vectors. A [`Kernel`] is
//! compiled a second and a third time for processors with AVX2 and AVX-512, and [`run`] takes
//! the widest one this processor has. Elsewhere the default target is wide enough already.
//!
//! No kernel computes anything else when it is wider: no operation is reordered, and none is fused
//! but where the source says so, for all processors; see [`has_mul_add`].

/// A loop worth compiling for several instruction sets.
///
/// Running one is safe. Those that hold addresses have private fields and an `unsafe fn new`, which
/// says what has to be true of them until they have run.
///
/// `run` and what it calls in its loops must be `#[inline(always)]`: only what ends up inside
/// the compiled variants can use their instructions.
pub(crate) trait Kernel {
    /// What the loop gives.
    type Output;

    /// The loop.
    fn run(self) -> Self::Output;
}

/// Runs a kernel with the widest instructions of this processor.
#[inline]
pub(crate) fn run<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        return x86::run(kernel);
    }
    #[allow(unreachable_code, reason = "where there is no choice")]
    kernel.run()
}

/// Whether [`f32::mul_add`] is one instruction in the kernels that [`run`] chooses. Where it is
/// not, it calls a function.
#[inline]
pub(crate) fn has_mul_add() -> bool {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        return x86::level() >= x86::AVX2;
    }
    #[allow(unreachable_code, reason = "where there is no choice")]
    {
        cfg!(any(target_arch = "aarch64", target_feature = "fma"))
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
pub(crate) mod x86 {
    use super::Kernel;
    use std::sync::atomic::{AtomicU8, Ordering};

    /// What this processor has, asked once. 0: not asked yet.
    static LEVEL: AtomicU8 = AtomicU8::new(0);
    /// Whether it is one with a slow last cache: 0 not asked yet, 1 no, 2 yes.
    static SLOW: AtomicU8 = AtomicU8::new(0);
    pub(crate) const BASELINE: u8 = 1;
    pub(crate) const AVX2: u8 = 2;
    pub(crate) const AVX512: u8 = 3;

    #[inline]
    pub(super) fn run<K: Kernel>(kernel: K) -> K::Output {
        match level() {
            // SAFETY: `level` says no more than the processor has, which is all the function needs.
            AVX512 => unsafe { avx512(kernel) },
            // SAFETY: `level` says no more than the processor has, which is all the function needs.
            AVX2 => unsafe { avx2(kernel) },
            _ => kernel.run(),
        }
    }

    /// The widest instructions to use: never more than this processor has.
    #[inline]
    pub(crate) fn level() -> u8 {
        #[cfg(test)]
        if let Some(level) = super::testing::forced() {
            return level;
        }
        // Relaxed: every thread finds the same answer, and it stands for itself.
        match LEVEL.load(Ordering::Relaxed) {
            0 => ask(),
            level => level,
        }
    }

    #[cold]
    pub(super) fn ask() -> u8 {
        use std::arch::is_x86_feature_detected as has;
        let avx2 = has!("avx2") && has!("bmi1") && has!("bmi2") && has!("fma");
        // What AVX-512 implies for the compiler, a hypervisor may hide.
        let avx512 = has!("f16c")
            && has!("avx512f")
            && has!("avx512bw")
            && has!("avx512dq")
            && has!("avx512vl")
            && has!("avx512vbmi");
        let level = match (avx2, avx512) {
            (true, true) => AVX512,
            (true, false) => AVX2,
            _ => BASELINE,
        };
        LEVEL.store(level, Ordering::Relaxed);
        level
    }

    /// Whether memory is about as fast as the last cache: so with those of Intel's processors that
    /// have AVX-512, whose cores reach it through a mesh.
    #[inline]
    pub(crate) fn has_slow_last_cache() -> bool {
        match SLOW.load(Ordering::Relaxed) {
            0 => ask_for_vendor(),
            answer => answer == 2,
        }
    }

    #[cold]
    fn ask_for_vendor() -> bool {
        #[allow(
            unused_unsafe,
            reason = "newer versions of Rust have it as a safe function"
        )]
        // SAFETY: every x86-64 processor has the instruction, and it only answers.
        let found = unsafe { std::arch::x86_64::__cpuid(0) };
        let name = [found.ebx, found.edx, found.ecx].map(u32::to_le_bytes);
        let slow = name.as_flattened() == b"GenuineIntel" && level() == AVX512;
        SLOW.store(1 + u8::from(slow), Ordering::Relaxed);
        slow
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,fma")]
    fn avx2<K: Kernel>(kernel: K) -> K::Output {
        kernel.run()
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx2,bmi1,bmi2,fma")]
    fn avx512<K: Kernel>(kernel: K) -> K::Output {
        kernel.run()
    }
}

/// Running every variant that this processor has, for tests.
#[cfg(test)]
pub(crate) mod testing {
    use std::cell::Cell;

    thread_local! {
        static FORCED: Cell<Option<u8>> = const { Cell::new(None) };
    }

    #[cfg(any(all(target_arch = "x86_64", not(miri)), feature = "rayon"))]
    pub(crate) fn forced() -> Option<u8> {
        FORCED.get()
    }

    /// What another thread was made to run, for those that help it.
    #[cfg(feature = "rayon")]
    pub(crate) fn force(level: Option<u8>) {
        FORCED.set(level);
    }

    /// Calls `check` once per variant, with its name.
    pub(crate) fn for_each_variant(mut check: impl FnMut(&str)) {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            let names = ["baseline", "AVX2", "AVX-512"];
            for (level, name) in (super::x86::BASELINE..=super::x86::ask()).zip(names) {
                FORCED.set(Some(level));
                check(name);
            }
            FORCED.set(None);
        }
        #[cfg(not(all(target_arch = "x86_64", not(miri))))]
        {
            FORCED.set(None);
            check("the only one");
        }
    }
}
