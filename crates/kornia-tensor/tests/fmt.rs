//! What tensors look like in print. Expected grids are the output of NumPy 2.4.6's `print`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use kornia_tensor::{MemoryDomain, Tensor, TensorError, TensorView, TensorViewMut};

/// `start`, `start + step`, .. in row-major order: NumPy's `arange(..).reshape(shape)`.
fn ramp<const N: usize>(shape: [usize; N], start: i32, step: i32) -> Tensor<i32, N> {
    let len = shape.iter().product::<usize>() as i32;
    let elements = (0..len).map(|i| start + i * step).collect();
    Tensor::from_shape_vec(shape, elements).unwrap()
}

fn device<const N: usize>(shape: [usize; N], id: i32) -> Tensor<f32, N> {
    let address = std::ptr::without_provenance(0x7f00_0000);
    let (len, domain) = (shape.iter().product(), MemoryDomain::Device { id });
    // SAFETY: an address that nobody will dereference.
    unsafe { Tensor::from_borrowed(shape, address, len, domain, Arc::new(())) }.unwrap()
}

// --- Display: NumPy's layout ---------------------------------------------------------

#[test]
fn vectors_of_small_numbers_are_one_line() {
    let t = ramp([5], -2, 1);
    assert_eq!(
        t.to_string(),
        "\
[-2 -1  0  1  2]"
    );
}

#[test]
fn matrices_have_a_line_per_row_and_aligned_columns() {
    let t = ramp([3, 4], 0, 1);
    assert_eq!(
        t.to_string(),
        "\
[[ 0  1  2  3]
 [ 4  5  6  7]
 [ 8  9 10 11]]"
    );
}

#[test]
fn rank_three_has_a_blank_line_between_blocks() {
    let t = ramp([2, 3, 4], 0, 1);
    assert_eq!(
        t.to_string(),
        "\
[[[ 0  1  2  3]
  [ 4  5  6  7]
  [ 8  9 10 11]]

 [[12 13 14 15]
  [16 17 18 19]
  [20 21 22 23]]]"
    );
}

#[test]
fn rank_four_has_two_blank_lines_between_blocks() {
    let t = ramp([2, 2, 2, 2], 0, 1);
    assert_eq!(
        t.to_string(),
        "\
[[[[ 0  1]
   [ 2  3]]

  [[ 4  5]
   [ 6  7]]]


 [[[ 8  9]
   [10 11]]

  [[12 13]
   [14 15]]]]"
    );
}

#[test]
fn axes_of_length_one_keep_their_brackets() {
    let t = ramp([1, 3, 1], 9, 1);
    assert_eq!(
        t.to_string(),
        "\
[[[ 9]
  [10]
  [11]]]"
    );
}

#[test]
fn long_vectors_are_broken_after_75_characters() {
    let t = ramp([60], 0, 1);
    assert_eq!(
        t.to_string(),
        "\
[ 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23
 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47
 48 49 50 51 52 53 54 55 56 57 58 59]"
    );
}

#[test]
fn long_rows_are_broken_and_indented() {
    let t = ramp([2, 40], 0, 100);
    assert_eq!(
        t.to_string(),
        "\
[[   0  100  200  300  400  500  600  700  800  900 1000 1100 1200 1300
  1400 1500 1600 1700 1800 1900 2000 2100 2200 2300 2400 2500 2600 2700
  2800 2900 3000 3100 3200 3300 3400 3500 3600 3700 3800 3900]
 [4000 4100 4200 4300 4400 4500 4600 4700 4800 4900 5000 5100 5200 5300
  5400 5500 5600 5700 5800 5900 6000 6100 6200 6300 6400 6500 6600 6700
  6800 6900 7000 7100 7200 7300 7400 7500 7600 7700 7800 7900]]"
    );
}

#[test]
fn one_element_too_many_is_abbreviated() {
    let t = ramp([1001], 0, 1);
    assert_eq!(
        t.to_string(),
        "\
[   0    1    2 ...  998  999 1000]"
    );
}

#[test]
fn columns_are_as_wide_as_the_widest_printed_element() {
    let t = ramp([40, 50], -1000, 1);
    assert_eq!(
        t.to_string(),
        "\
[[-1000  -999  -998 ...  -953  -952  -951]
 [ -950  -949  -948 ...  -903  -902  -901]
 [ -900  -899  -898 ...  -853  -852  -851]
 ...
 [  850   851   852 ...   897   898   899]
 [  900   901   902 ...   947   948   949]
 [  950   951   952 ...   997   998   999]]"
    );
}

#[test]
fn only_long_axes_lose_their_middle() {
    let t = ramp([2, 6, 100], 0, 1);
    assert_eq!(
        t.to_string(),
        "\
[[[   0    1    2 ...   97   98   99]
  [ 100  101  102 ...  197  198  199]
  [ 200  201  202 ...  297  298  299]
  [ 300  301  302 ...  397  398  399]
  [ 400  401  402 ...  497  498  499]
  [ 500  501  502 ...  597  598  599]]

 [[ 600  601  602 ...  697  698  699]
  [ 700  701  702 ...  797  798  799]
  [ 800  801  802 ...  897  898  899]
  [ 900  901  902 ...  997  998  999]
  [1000 1001 1002 ... 1097 1098 1099]
  [1100 1101 1102 ... 1197 1198 1199]]]"
    );
}

#[test]
fn the_first_axis_can_lose_its_middle_alone() {
    let t = ramp([300, 2, 2], 0, 1);
    assert_eq!(
        t.to_string(),
        "\
[[[   0    1]
  [   2    3]]

 [[   4    5]
  [   6    7]]

 [[   8    9]
  [  10   11]]

 ...

 [[1188 1189]
  [1190 1191]]

 [[1192 1193]
  [1194 1195]]

 [[1196 1197]
  [1198 1199]]]"
    );
}

#[test]
fn rank_five() {
    let t = ramp([2, 1, 2, 2, 4], 0, 1);
    assert_eq!(
        t.to_string(),
        "\
[[[[[ 0  1  2  3]
    [ 4  5  6  7]]

   [[ 8  9 10 11]
    [12 13 14 15]]]]



 [[[[16 17 18 19]
    [20 21 22 23]]

   [[24 25 26 27]
    [28 29 30 31]]]]]"
    );
}

#[test]
fn rank_zero_is_the_bare_element() {
    let t = ramp([], -5, 1);
    assert_eq!(
        t.to_string(),
        "\
-5"
    );
}

#[test]
#[cfg_attr(miri, ignore = "a minute of safe code")]
fn exactly_a_thousand_elements_are_all_printed() {
    let text = ramp([10, 10, 10], 1000, 1).to_string();
    assert!(!text.contains("..."));
    assert_eq!(text.split_whitespace().count(), 1000);
}

#[test]
#[cfg_attr(miri, ignore = "a minute of safe code")]
fn short_axes_are_never_abbreviated() {
    let text = ramp([6, 6, 6, 6], 1000, 1).to_string(); // 1296 elements
    assert!(!text.contains("..."));
    assert_eq!(text.split_whitespace().count(), 1296);
}

#[test]
fn elements_wider_than_a_line_stand_alone() {
    let (a, b) = ("a".repeat(80), "b".repeat(80));
    let t = Tensor::from_shape_vec([2], vec![a.clone(), b.clone()]).unwrap();
    assert_eq!(t.to_string(), format!("[{a}\n {b}]"));
}

#[test]
fn nothing_is_printed_as_empty_brackets_whatever_the_shape() {
    // NumPy: print(np.zeros((2, 0, 3))), print(np.zeros(0))
    assert_eq!(Tensor::<u8, 3>::zeros([2, 0, 3]).to_string(), "[]");
    assert_eq!(Tensor::<u8, 1>::zeros([0]).to_string(), "[]");
    assert_eq!(Tensor::<u8, 2>::zeros([100_000, 0]).to_string(), "[]");
}

#[test]
fn views_print_what_they_see() {
    let m = ramp([3, 4], 0, 1);
    for (what, view, numpy) in [
        (
            "m.T",
            m.view().transpose().slice((.., ..)),
            "[[ 0  4  8]\n [ 1  5  9]\n [ 2  6 10]\n [ 3  7 11]]",
        ),
        (
            "m[::-1, ::-1]",
            m.view().flip(0).flip(1),
            "[[11 10  9  8]\n [ 7  6  5  4]\n [ 3  2  1  0]]",
        ),
        (
            "m[:, ::2]",
            m.view().slice((.., kornia_tensor::step(.., 2))),
            "[[ 0  2]\n [ 4  6]\n [ 8 10]]",
        ),
    ] {
        assert_eq!(view.to_string(), numpy, "{what}");
    }
    // m[1:3, 2]
    assert_eq!(m.slice((1..3, 2)).to_string(), "[ 6 10]");
    assert_eq!(m.view().slice((1, 2)).to_string(), "6");
}

#[test]
fn views_that_repeat_elements_print_them_again() {
    let row = [0, 1, 2];
    let row = TensorView::from_slice([3], &row).unwrap();
    // np.broadcast_to(np.arange(3), (2, 3))
    let twice = row.broadcast_to([2, 3]).unwrap();
    assert_eq!(twice.to_string(), "[[0 1 2]\n [0 1 2]]");

    // np.broadcast_to(np.int32(7), (10**9, 10**9)), which has no such memory
    let lots = TensorView::from_slice([], &[7]).unwrap();
    let lots = lots.broadcast_to([1_000_000_000, 1_000_000_000]).unwrap();
    let row = "[7 7 7 ... 7 7 7]";
    assert_eq!(
        lots.to_string(),
        format!("[{row}\n {row}\n {row}\n ...\n {row}\n {row}\n {row}]")
    );

    // sliding_window_view(np.arange(5) + 8, 3)
    let five = ramp([5], 8, 1);
    assert_eq!(
        five.view().windows(0, 3).to_string(),
        "[[ 8  9 10]\n [ 9 10 11]\n [10 11 12]]"
    );
}

#[test]
fn all_three_types_print_the_same() {
    let mut t = ramp([2, 2], 8, 1);
    let text = t.to_string();
    assert_eq!(text, "[[ 8  9]\n [10 11]]");
    assert_eq!(t.view().to_string(), text);
    assert_eq!(t.view_mut().to_string(), text);
}

#[test]
fn other_elements_than_numbers_are_aligned_too() {
    // np.array([True, False])
    let flags = TensorView::from_slice([2], &[true, false]).unwrap();
    assert_eq!(flags.to_string().to_lowercase(), "[ true false]");
    // Counted in characters, not bytes.
    let words = TensorView::from_slice([2, 2], &["a", "äöü", "日本", ""]).unwrap();
    assert_eq!(words.to_string(), "[[  a äöü]\n [ 日本    ]]");
}

#[test]
fn zero_sized_elements_print() {
    #[derive(Clone, Debug)]
    struct Unit;
    impl fmt::Display for Unit {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("u")
        }
    }
    assert_eq!(Tensor::full([2, 2], Unit).to_string(), "[[u u]\n [u u]]");
    assert_eq!(Tensor::full([5_000], Unit).to_string(), "[u u u ... u u u]");
    let debug = format!("{:?}", Tensor::full([2], Unit).view());
    assert!(debug.ends_with("data: [Unit, Unit] }"), "{debug}");
}

// --- Display: flags ------------------------------------------------------------------

#[test]
fn precision_and_sign_are_those_of_the_elements() {
    let t = Tensor::from_shape_vec([2, 2], vec![1.0, -2.5, 100.25, 3.0]).unwrap();
    // np.array2string(t, precision=2, floatmode="fixed"), then with sign="+"
    assert_eq!(format!("{t:.2}"), "[[  1.00  -2.50]\n [100.25   3.00]]");
    assert_eq!(
        format!("{t:+.2}"),
        "[[  +1.00   -2.50]\n [+100.25   +3.00]]"
    );
    assert_eq!(format!("{t:+}"), "[[     +1    -2.5]\n [+100.25      +3]]");

    let scale =
        Tensor::<f64, 2>::from_shape_fn([2, 1000], |[i, j]| (i * 1000 + j) as f64 / 8.0 - 50.0);
    assert_eq!(
        format!("{scale:.3}"),
        "\
[[-50.000 -49.875 -49.750 ...  74.625  74.750  74.875]
 [ 75.000  75.125  75.250 ... 199.625 199.750 199.875]]"
    );
}

#[test]
fn width_fill_and_alignment_make_the_columns() {
    let t = ramp([2, 2], 8, 1);
    assert_eq!(format!("{t:4}"), "[[   8    9]\n [  10   11]]");
    assert_eq!(format!("{t:<4}"), "[[8    9   ]\n [10   11  ]]");
    assert_eq!(format!("{t:-^4}"), "[[-8-- -9--]\n [-10- -11-]]");
    assert_eq!(format!("{t:1}"), t.to_string()); // a minimum, as everywhere
    assert_eq!(format!("{:5}", ramp([], 7, 1)), "    7");
    // Rows are broken by the width that is printed.
    assert_eq!(
        format!("{:30}", ramp([3], 0, 1)),
        format!("[{:30} {:30}\n {:30}]", 0, 1, 2)
    );
}

#[test]
fn zeros_stand_behind_the_sign() {
    let t = Tensor::from_shape_vec([3], vec![1.0, -2.5, 1000.0]).unwrap();
    assert_eq!(format!("{t:06.1}"), "[0001.0 -002.5 1000.0]");
    assert_eq!(format!("{t:+07.1}"), "[+0001.0 -0002.5 +1000.0]");
    assert_eq!(format!("{t:03}"), "[ 001 -2.5 1000]");
}

/// Shows the flags it was printed with.
#[derive(Clone)]
struct Flags;

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (plus, hash, zero) = (f.sign_plus(), f.alternate(), f.sign_aware_zero_pad());
        let (width, precision) = (f.width(), f.precision());
        write!(f, "{plus} {hash} {zero} {width:?} {precision:?}")
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[test]
fn every_flag_reaches_the_elements_and_width_only_for_zeros() {
    let t = Tensor::full([], Flags);
    for (found, expected) in [
        (format!("{t}"), "false false false None None"),
        (format!("{t:.1}"), "false false false None Some(1)"),
        (format!("{t:03}"), "false false true Some(3) None"),
        (format!("{t:03.1}"), "false false true Some(3) Some(1)"),
        (format!("{t:#}"), "false true false None None"),
        (format!("{t:#.1}"), "false true false None Some(1)"),
        (format!("{t:#03}"), "false true true Some(3) None"),
        (format!("{t:#03.1}"), "false true true Some(3) Some(1)"),
        (format!("{t:+}"), "true false false None None"),
        (format!("{t:+.1}"), "true false false None Some(1)"),
        (format!("{t:+03}"), "true false true Some(3) None"),
        (format!("{t:+03.1}"), "true false true Some(3) Some(1)"),
        (format!("{t:+#}"), "true true false None None"),
        (format!("{t:+#.1}"), "true true false None Some(1)"),
        (format!("{t:+#03}"), "true true true Some(3) None"),
        (format!("{t:+#03.1}"), "true true true Some(3) Some(1)"),
        (format!("{t:9}"), "false false false None None"),
    ] {
        assert_eq!(found, expected);
    }
    let compact = format!("{:+09.1?}", t.view());
    let pretty = format!("{:+#09.1?}", t.view());
    assert!(
        compact.contains("data: true false true Some(9) Some(1)"),
        "{compact}"
    );
    assert!(
        pretty.contains("data: true false true Some(9) Some(1)"),
        "{pretty}"
    );
}

// --- what printing costs -------------------------------------------------------------

/// Counts how often it is formatted.
#[derive(Clone)]
struct Counted<'a>(&'a AtomicUsize);

impl fmt::Display for Counted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fetch_add(1, Relaxed);
        f.write_str("x")
    }
}

impl fmt::Debug for Counted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[test]
#[cfg_attr(miri, ignore = "a minute of safe code")]
fn only_printed_elements_are_formatted_and_each_of_them_once() {
    let count = AtomicUsize::new(0);
    let t = Tensor::full([1000, 1000], Counted(&count));
    for (text, shown) in [
        (format!("{t}"), 6 * 6),
        (format!("{:.3}", t.view()), 6 * 6),
        (format!("{t:?}"), 6 * 6),
        (format!("{t:#?}"), 6 * 6),
    ] {
        assert_eq!(text.matches('x').count(), shown);
    }
    assert_eq!(count.swap(0, Relaxed), 4 * 6 * 6);

    let all = t.slice((..20, ..50)).to_string();
    assert_eq!(all.matches('x').count(), 1000);
    assert_eq!(count.swap(0, Relaxed), 1000);

    let one = [Counted(&count)];
    let deep = TensorView::from_slice([], &one).unwrap();
    let deep = deep.broadcast_to([10; 6]).unwrap();
    let text = format!("{deep:?}"); // 4 elements along 6 axes would be no screenful
    assert_eq!(count.swap(0, Relaxed), text.matches('x').count());
    assert_eq!(text.matches('x').count(), 2usize.pow(6));
}

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: the system allocator, after adding one to a number of this thread.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

struct Nowhere;

impl Write for Nowhere {
    fn write_str(&mut self, _: &str) -> fmt::Result {
        Ok(())
    }
}

#[test]
#[cfg_attr(miri, ignore = "a minute of safe code")]
fn printing_allocates_for_the_text_not_for_each_element() {
    let t = ramp([10, 10, 10], 0, 1);
    let before = ALLOCATIONS.get();
    write!(Nowhere, "{t}").unwrap();
    let display = ALLOCATIONS.get() - before;
    assert!(display <= 16, "{display} allocations for 1000 elements");

    let view = t.view();
    let before = ALLOCATIONS.get();
    write!(Nowhere, "{view:?}").unwrap();
    assert_eq!(ALLOCATIONS.get() - before, 0);
}

#[test]
fn an_element_that_cannot_be_printed_is_an_error_not_a_panic() {
    #[derive(Clone)]
    struct Broken;
    impl fmt::Display for Broken {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            Err(fmt::Error)
        }
    }
    assert!(write!(Nowhere, "{}", Tensor::full([2], Broken)).is_err());
}

// --- Debug ---------------------------------------------------------------------------

#[test]
fn debug_of_a_small_tensor_is_one_line() {
    let mut t = ramp([2, 3], 1, 1);
    assert_eq!(
        format!("{t:?}"),
        "Tensor { shape: [2, 3], strides: [3, 1], domain: Host, unique: true, \
         data: [[1, 2, 3], [4, 5, 6]] }"
    );
    assert_eq!(
        format!("{:?}", t.view().transpose()),
        "TensorView { shape: [3, 2], strides: [1, 3], data: [[1, 4], [2, 5], [3, 6]] }"
    );
    assert_eq!(
        format!("{:?}", t.view_mut().flip(1)),
        "TensorViewMut { shape: [2, 3], strides: [3, -1], data: [[3, 2, 1], [6, 5, 4]] }"
    );
}

#[test]
fn pretty_debug_has_a_field_per_line_and_rows_in_columns() {
    let t = ramp([2, 1, 3], 8, 1);
    assert_eq!(
        format!("{t:#?}"),
        "\
Tensor {
    shape: [2, 1, 3],
    strides: [3, 3, 1],
    domain: Host,
    unique: true,
    data: [[[ 8,  9, 10]],
           [[11, 12, 13]]],
}"
    );
    assert_eq!(
        format!("{:#?}", [Some(ramp([40], 100, 1).view())]),
        "\
[
    Some(
        TensorView {
            shape: [40],
            strides: [1],
            data: [100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112,
                   113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125,
                   126, 127, 128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 138,
                   139],
        },
    ),
]"
    );
}

#[test]
fn pretty_debug_keeps_an_element_on_its_line() {
    let t = Tensor::from_shape_vec([2], vec![Some((1, "a")), None]).unwrap();
    let text = format!("{:#?}", t.view());
    assert!(
        text.contains("\n    data: [Some((1, \"a\")),           None],\n"),
        "{text}"
    );
}

#[test]
fn debug_passes_flags_to_the_elements_alone() {
    let t = Tensor::from_shape_vec([2, 2], vec![255u8, 16, 1, 0]).unwrap();
    assert_eq!(
        format!("{:02x?}", t.view()),
        "TensorView { shape: [2, 2], strides: [2, 1], data: [[ff, 10], [01, 00]] }"
    );
    let t = Tensor::from_shape_vec([2], vec![1.0f32, 0.125]).unwrap();
    assert!(format!("{t:.2?}").ends_with("unique: true, data: [1.00, 0.12] }"));
    assert!(format!("{t:#8.1?}").contains("unique: true,\n    data: [     1.0,      0.1],"));
}

#[test]
fn debug_prints_at_most_a_screenful() {
    let whole = format!("{:?}", ramp([100], 0, 1).view());
    assert!(whole.ends_with("98, 99] }"), "{whole}");
    assert!(!whole.contains("..."));

    assert_eq!(
        format!("{:?}", ramp([101], 0, 1).view()),
        "TensorView { shape: [101], strides: [1], data: [0, 1, 2, ..., 98, 99, 100] }"
    );
    let image = Tensor::<u8, 3>::zeros([1080, 1920, 3]);
    let text = format!("{image:#?}");
    assert!(text.lines().count() < 40 && text.lines().all(|line| line.len() < 80));
    assert_eq!(text, text.replace(" \n", "\n"), "trailing white space");

    let hyper = Tensor::<u8, 12>::zeros([2; 12]);
    assert!(format!("{hyper:?}").ends_with("data: [...] }"));
}

#[test]
fn debug_of_empty_and_rank_zero() {
    assert_eq!(
        format!("{:?}", Tensor::<u8, 2>::zeros([2, 0]).view()),
        "TensorView { shape: [2, 0], strides: [1, 1], data: [] }"
    );
    assert_eq!(
        format!("{:?}", ramp([], 7, 1).view()),
        "TensorView { shape: [], strides: [], data: 7 }"
    );
    assert_eq!(
        format!("{:?}", TensorViewMut::from_slice_mut([], &mut [7]).unwrap()),
        "TensorViewMut { shape: [], strides: [], data: 7 }"
    );
}

#[test]
fn debug_tells_shared_from_unique() {
    let t = ramp([1], 0, 1);
    assert!(format!("{t:?}").contains("unique: true"));
    let other = t.clone();
    assert!(format!("{t:?}").contains("unique: false"));
    drop(other);
    assert!(format!("{t:?}").contains("unique: true"));
}

/// Two along each of forty axes are a million millions.
#[test]
#[cfg_attr(miri, ignore = "a minute of safe code")]
fn views_of_many_axes_print_few_elements() -> Result<(), TensorError> {
    let one = [1u8];
    let many = TensorView::from_slice([1; 40], &one)?.broadcast_to([2; 40])?;
    for text in [many.to_string(), format!("{many:?}"), format!("{many:#?}")] {
        assert!(text.len() < 10_000, "{} bytes", text.len());
    }
    // Six along each of five axes are printed, as NumPy does it.
    let five = Tensor::<u8, 5>::zeros([7; 5]).to_string();
    assert_eq!(five.matches('0').count(), 6 * 6 * 6 * 6 * 6);
    let eight = Tensor::<u8, 8>::zeros([7; 8]).to_string();
    assert_eq!(eight.matches('0').count(), 2_usize.pow(8));
    Ok(())
}

#[test]
fn debug_tells_read_only_memory() {
    let owner = Arc::new([1u8, 2]);
    let address = owner.as_ptr();
    // SAFETY: the `Arc` keeps the two elements where they are, and nobody can write to them.
    let t = unsafe {
        Tensor::from_borrowed_readonly([2], address, 2, MemoryDomain::Host, owner.clone())
    };
    assert_eq!(
        format!("{:?}", t.unwrap()),
        "Tensor { shape: [2], strides: [1], domain: Host, unique: true, read_only: true, \
         data: [1, 2] }"
    );
    assert!(!format!("{:?}", ramp([2], 0, 1)).contains("read_only"));
}

#[test]
fn a_small_crop_of_a_large_frame_says_what_it_keeps_alive() {
    let frame = Tensor::<u8, 3>::zeros([2160, 3840, 3]);
    assert!(!format!("{frame:?}").contains("note"));
    let crop = frame.slice((0..16, 0..16, ..));
    assert!(format!("{crop:?}").contains(
        "note: \"keeps 24883200 bytes alive for 768 visible, and so do other handles\", data"
    ));
    drop(frame);
    assert!(format!("{crop:#?}").contains(
        "\n    note: \"keeps 24883200 bytes alive for 768 visible, compact() frees them\",\n"
    ));
    let copy = crop.clone().compact().unwrap();
    assert!(!format!("{copy:?}").contains("note"));

    let none = crop.slice((0..0, .., ..));
    assert!(format!("{none:?}").contains("24883200 bytes alive for 0 visible"));
}

#[test]
fn harmless_windows_carry_no_note() {
    let small = ramp([100], 0, 1).slice((0..1,)); // 400 bytes
    assert!(!format!("{small:?}").contains("note"));
    let channel = Tensor::<u8, 3>::zeros([100, 100, 3]).slice((.., .., 0)); // a third
    assert!(!format!("{channel:?}").contains("note"));
}

// --- memory that the host cannot read ------------------------------------------------

#[test]
fn device_memory_is_named_and_never_read() {
    let t = device([5, 6], 0);
    assert_eq!(t.to_string(), "<30 elements in Device { id: 0 }>");
    assert_eq!(format!("{t:9.2}"), "<30 elements in Device { id: 0 }>");
    assert_eq!(
        format!("{t:?}"),
        "Tensor { shape: [5, 6], strides: [6, 1], domain: Device { id: 0 }, unique: true, \
         data: <30 elements in Device { id: 0 }> }"
    );
    assert_eq!(
        format!("{:#?}", device([1], 3)),
        "\
Tensor {
    shape: [1],
    strides: [1],
    domain: Device { id: 3 },
    unique: true,
    data: <1 element in Device { id: 3 }>,
}"
    );
}

#[test]
fn device_memory_is_not_told_to_compact() {
    let t = device([1000, 10], 0);
    let row = t.reshape([10_000]).unwrap().narrow(0, 0..10);
    drop(t);
    assert!(format!("{row:?}").contains("note: \"keeps 40000 bytes alive for 40 visible\""));
}
