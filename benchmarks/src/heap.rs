//! Memory that the process keeps.

/// From here on, memory that is freed stays for whoever comes next.
///
/// The allocator of glibc gives some of it back to the system, depending on what lies behind it,
/// and new pages cost more than writing them does: ten times as much on some virtual machines. Who
/// comes after whom would decide who pays.
pub fn keep() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    for (option, value) in [(libc::M_MMAP_MAX, 0), (libc::M_TRIM_THRESHOLD, i32::MAX)] {
        // SAFETY: two numbers.
        unsafe { libc::mallopt(option, value) };
    }
}
