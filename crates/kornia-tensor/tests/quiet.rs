//! Small work wakes no thread, and starts none. Alone in its process: what it counts are the
//! threads of the process.

#![cfg(target_os = "linux")]

use kornia_tensor::Tensor;

/// Threads of this process, of which the kernel keeps count.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

#[test]
#[cfg_attr(miri, ignore = "there is no such folder")]
fn small_work_starts_no_thread_and_large_work_does() {
    let before = threads();
    let image = Tensor::<u8, 3>::from_shape_fn([240, 320, 3], |[y, x, c]| (y + x + c) as u8);
    for _ in 0..5 {
        let planes = image.permute_axes([2, 0, 1]).unwrap().contiguous();
        assert_eq!(image.view().permute_axes([2, 0, 1]).unwrap(), planes);
        assert_eq!(image.view().sum(), planes.view().sum());
        assert_eq!(image.view().min_max(), planes.view().min_max());
        assert_eq!(image.par_map(|&p| !p)[[0, 0, 1]], 254);
        let input = image.view().normalize_to_chw(1.0, &[0.0; 3], &[1.0; 3]);
        assert_eq!(input.unwrap().shape(), planes.shape());
        planes.deep_clone().unwrap().view_mut().fill(3);
    }
    assert_eq!(threads(), before, "small work has started threads");

    // That this can be seen at all:
    let large = Tensor::<u32, 1>::zeros([4 << 20]);
    assert_eq!(large.deep_clone().unwrap(), large);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let single = std::env::var("RAYON_NUM_THREADS").is_ok_and(|number| number == "1");
    if cfg!(feature = "rayon") && cores > 1 && !single {
        assert!(threads() > before, "large work has started none");
    } else {
        assert_eq!(threads(), before);
    }
}
