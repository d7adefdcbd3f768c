//! Printing: `Display` the way NumPy does it, `Debug` for whoever looks for a bug.
//!
//! Both print the few elements a reader can take in and touch no other, so a 4K frame in a log
//! line costs what a thumbnail costs. A [`Page`] settles which elements those are and where
//! brackets and line breaks go; [`Words`] holds their text while the widest one is found, so
//! that each is formatted once. All of it is written for a view; a tensor adds what it knows
//! about its memory.

#![forbid(unsafe_code)]

use std::fmt::{self, Alignment, Debug, Display, Formatter, Write};

use crate::{Access, MemoryDomain, Tensor, TensorStorage, TensorView, TensorViewMut};

/// Where NumPy breaks lines, in characters.
const LINE_WIDTH: usize = 75;
/// With more elements than this, `Display` leaves some out.
const DISPLAY_LIMIT: usize = 1000;
/// At most so many elements are printed by `Display`: six along each of five axes are.
const DISPLAY_MOST: usize = 10_000;
/// At most so many elements are printed by `Debug`.
const DEBUG_LIMIT: usize = 100;
/// How many items remain at both ends of an axis that is too long.
const EDGE: usize = 3;

impl<T: Display, const N: usize> Display for TensorView<'_, T, N> {
    /// The elements as NumPy's `print` lays them out.
    ///
    /// Columns are aligned on the widest element, rows are broken after 75 characters, and of
    /// more than 1000 elements only the first and last 3 along each longer axis are printed, or fewer
    /// of them where that would still be more than 10,000 elements, as it is from six axes on.
    /// Elements that are not printed are not formatted, and the others once. Precision, sign,
    /// `#` and `0` are passed on to the elements; width, fill and alignment make the columns.
    ///
    /// ```
    /// use kornia_tensor::TensorView;
    ///
    /// let gains = [1.0, -0.5, 12.25, 3.0];
    /// let gains = TensorView::from_slice([2, 2], &gains)?;
    /// assert_eq!(gains.to_string(), "[[    1  -0.5]\n [12.25     3]]");
    /// assert_eq!(format!("{gains:+.1}"), "[[ +1.0  -0.5]\n [+12.2  +3.0]]");
    ///
    /// let ramp: Vec<u32> = (0..1_000_000).collect();
    /// let ramp = TensorView::from_slice([1_000_000], &ramp)?;
    /// assert_eq!(ramp.to_string(), "[     0      1      2 ... 999997 999998 999999]");
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut page = Page {
            shape: *self.shape(),
            edge: usize::MAX,
            comma: "",
            breaks: Breaks::Blocks,
        };
        if self.numel() > DISPLAY_LIMIT {
            page.edge = page.widest_edge(&[EDGE, 2, 1], DISPLAY_MOST);
        }
        let flags = Flags {
            plus: f.sign_plus(),
            alternate: f.alternate(),
            zeros: f.sign_aware_zero_pad().then(|| f.width().unwrap_or(0)),
            precision: f.precision(),
        };
        page.write_columns(f, *self, flags, <T as Display>::fmt)
    }
}

impl<T: Display, const N: usize> Display for TensorViewMut<'_, T, N> {
    /// As [`TensorView`] is displayed.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.view(), f)
    }
}

impl<T: Display, const N: usize> Display for Tensor<T, N> {
    /// The elements as NumPy's `print` lays them out; see the `Display` of [`TensorView`].
    ///
    /// Memory that the host cannot read is named, not read:
    /// `<30 elements in Device { id: 0 }>`.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let t = Tensor::from_shape_vec([2, 3], vec![1, 2, 3, 10, 20, 30])?;
    /// assert_eq!(t.to_string(), "[[ 1  2  3]\n [10 20 30]]");
    ///
    /// let image = Tensor::<u8, 3>::zeros([480, 640, 3]); // [H, W, C]
    /// assert_eq!(image.to_string().matches('0').count(), 6 * 6 * 3);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.try_view() {
            Ok(view) => Display::fmt(&view, f),
            Err(_) => Debug::fmt(&Unreadable::of(self), f),
        }
    }
}

impl<T: Debug, const N: usize> Debug for Tensor<T, N> {
    /// Shape, strides, what is known about the memory, and a screenful of elements. Never
    /// panics.
    ///
    /// `unique` is a snapshot. `read_only` is printed where it is true. A small tensor that
    /// keeps a much larger allocation alive says so. `{:?}` is one line, and passes its flags
    /// (`{:.2?}`, `{:02x?}`) on to the elements; `{:#?}` has one line per row, in columns.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let t = Tensor::from_shape_vec([2, 2], vec![1, 2, 3, 4])?;
    /// assert_eq!(
    ///     format!("{t:?}"),
    ///     "Tensor { shape: [2, 2], strides: [2, 1], domain: Host, unique: true, \
    ///      data: [[1, 2], [3, 4]] }"
    /// );
    ///
    /// let crop = Tensor::<u8, 3>::zeros([2160, 3840, 3]).slice((0..16, 0..16, ..));
    /// assert!(format!("{crop:?}").contains(
    ///     "keeps 24883200 bytes alive for 768 visible, compact() frees them"
    /// ));
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Tensor");
        out.field("shape", &format_args!("{:?}", self.shape()))
            .field("strides", &format_args!("{:?}", self.strides()))
            .field("domain", &format_args!("{:?}", self.storage().domain()))
            .field("unique", &format_args!("{}", self.is_unique()));
        if self.storage().access() == Access::ReadOnly {
            out.field("read_only", &format_args!("true"));
        }
        if let Some(note) = Note::about(self.storage(), self.numel()) {
            out.field("note", &note);
        }
        match self.try_view() {
            Ok(view) => out.field("data", &Data(view)),
            Err(_) => out.field("data", &Unreadable::of(self)),
        };
        out.finish()
    }
}

impl<T: Debug, const N: usize> Debug for TensorView<'_, T, N> {
    /// Shape, strides and a screenful of elements; see the `Debug` of [`Tensor`].
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let t = Tensor::from_shape_vec([2, 2], vec![1, 2, 3, 10])?;
    /// assert_eq!(
    ///     format!("{:?}", t.view().flip(1)),
    ///     "TensorView { shape: [2, 2], strides: [2, -1], data: [[2, 1], [10, 3]] }"
    /// );
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        debug_view("TensorView", *self, f)
    }
}

impl<T: Debug, const N: usize> Debug for TensorViewMut<'_, T, N> {
    /// As the `Debug` of [`TensorView`], under its own name.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        debug_view("TensorViewMut", self.view(), f)
    }
}

fn debug_view<T: Debug, const N: usize>(
    name: &str,
    view: TensorView<'_, T, N>,
    f: &mut Formatter<'_>,
) -> fmt::Result {
    f.debug_struct(name)
        .field("shape", &format_args!("{:?}", view.shape()))
        .field("strides", &format_args!("{:?}", view.strides()))
        .field("data", &Data(view))
        .finish()
}

/// The `data` field of a `Debug` struct.
struct Data<'a, T, const N: usize>(TensorView<'a, T, N>);

impl<T: Debug, const N: usize> Debug for Data<'_, T, N> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut page = Page {
            shape: *self.0.shape(),
            edge: usize::MAX,
            comma: ",",
            breaks: Breaks::None,
        };
        page.edge = page.widest_edge(&[usize::MAX, EDGE, 2, 1], DEBUG_LIMIT);
        if f.alternate() {
            page.breaks = Breaks::Rows {
                indent: "data: ".len(),
            };
            // `#` asked for this layout; elements broken over several lines would ruin it.
            let flags = Flags {
                plus: f.sign_plus(),
                alternate: false,
                zeros: f.sign_aware_zero_pad().then(|| f.width().unwrap_or(0)),
                precision: f.precision(),
            };
            return page.write_columns(f, self.0, flags, <T as Debug>::fmt);
        }
        // No columns, so no need to know a width before printing: the elements can have this
        // very formatter, and with it the flags nobody can pass on (`{:x?}`).
        page.write(f, |f, index| Debug::fmt(&self.0[index], f), 0)
    }
}

/// Stands in for elements that the host cannot read.
struct Unreadable {
    numel: usize,
    domain: MemoryDomain,
}

impl Unreadable {
    fn of<T, const N: usize>(tensor: &Tensor<T, N>) -> Self {
        Self {
            numel: tensor.numel(),
            domain: tensor.storage().domain(),
        }
    }
}

impl Debug for Unreadable {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { numel, domain } = self;
        let plural = if *numel == 1 { "" } else { "s" };
        write!(f, "<{numel} element{plural} in {domain:?}>")
    }
}

/// What somebody should know who wonders where the memory went.
struct Note {
    retained: usize,
    visible: usize,
    way_out: &'static str,
}

impl Note {
    /// A note, if few visible elements keep many bytes alive.
    fn about<T>(storage: &TensorStorage<T>, numel: usize) -> Option<Self> {
        let way_out = match storage.check_readable() {
            Err(_) => "", // nor can it be copied
            Ok(()) if storage.is_unique() => ", compact() frees them",
            Ok(()) => ", and so do other handles",
        };
        storage.is_wasteful(numel).then(|| Self {
            retained: storage.retained_bytes(),
            visible: numel * size_of::<T>(),
            way_out,
        })
    }
}

impl Debug for Note {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            retained,
            visible,
            way_out,
        } = self;
        write!(
            f,
            "\"keeps {retained} bytes alive for {visible} visible{way_out}\""
        )
    }
}

/// Where lines end.
#[derive(Clone, Copy, PartialEq)]
enum Breaks {
    /// Nowhere.
    None,
    /// After each row, and where one gets too long; lines are indented by so many characters.
    Rows { indent: usize },
    /// As `Rows`, and with NumPy's blank lines between the blocks of higher axes.
    Blocks,
}

/// Which elements of a shape are printed, and what is printed between them.
struct Page<const N: usize> {
    shape: [usize; N],
    /// Axes longer than twice this lose their middle. `usize::MAX` for none.
    edge: usize,
    /// What follows each item but the last, before the white space.
    comma: &'static str,
    breaks: Breaks,
}

impl<const N: usize> Page<N> {
    /// How many elements an edge of this length leaves; no more than the shape has (L1).
    fn printed(&self, edge: usize) -> usize {
        let kept = |&len: &usize| len.min(edge.saturating_mul(2));
        self.shape.iter().map(kept).product()
    }

    /// The first of these edges that leaves no more than `most` elements, or none.
    fn widest_edge(&self, edges: &[usize], most: usize) -> usize {
        let fits = |edge: &&usize| self.printed(**edge) <= most;
        edges.iter().find(fits).copied().unwrap_or(0)
    }

    /// The positions on an axis that are printed, with `None` for the dots.
    fn positions(&self, axis: usize) -> impl Iterator<Item = Option<usize>> + use<N> {
        let len = self.shape[axis];
        let dots = len > self.edge.saturating_mul(2);
        let (head, tail) = match dots {
            true => (0..self.edge, len - self.edge..len),
            false => (0..len, len..len),
        };
        let dots = dots.then_some(None);
        head.map(Some).chain(dots).chain(tail.map(Some))
    }

    /// Prints elements of equal width. `how` is called once for each, with the flags.
    fn write_columns<T>(
        &self,
        f: &mut Formatter<'_>,
        view: TensorView<'_, T, N>,
        flags: Flags,
        how: fn(&T, &mut Formatter<'_>) -> fmt::Result,
    ) -> fmt::Result {
        let mut words = Words::default();
        if !view.is_empty() {
            words.ends.reserve_exact(self.printed(self.edge));
            self.visit(0, &mut [0; N], &mut |index| {
                let element = &view[index];
                words.push(Element { element, how }, flags)
            })?;
        }
        let column = words.widest.max(f.width().unwrap_or(0));
        let mut words = words.iter();
        self.write(
            f,
            |f, _| pad(f, words.next().unwrap_or_default(), column),
            column,
        )
    }

    /// Calls `each` with the index of every element that is printed, in the order of printing.
    fn visit(
        &self,
        axis: usize,
        index: &mut [usize; N],
        each: &mut impl FnMut([usize; N]) -> fmt::Result,
    ) -> fmt::Result {
        if axis == N {
            return each(*index);
        }
        for position in self.positions(axis).flatten() {
            index[axis] = position;
            self.visit(axis + 1, index, each)?;
        }
        Ok(())
    }

    /// Prints brackets and what is between elements, and calls `emit` for each element.
    ///
    /// `column` is how wide each of them is, which decides where rows are broken.
    fn write(
        &self,
        f: &mut Formatter<'_>,
        mut emit: impl FnMut(&mut Formatter<'_>, [usize; N]) -> fmt::Result,
        column: usize,
    ) -> fmt::Result {
        if self.shape.contains(&0) {
            return f.write_str("[]"); // as NumPy does, whatever the other axes
        }
        self.write_axis(f, 0, &mut [0; N], &mut emit, column)
    }

    fn write_axis(
        &self,
        f: &mut Formatter<'_>,
        axis: usize,
        index: &mut [usize; N],
        emit: &mut impl FnMut(&mut Formatter<'_>, [usize; N]) -> fmt::Result,
        column: usize,
    ) -> fmt::Result {
        if axis == N {
            return emit(f, *index);
        }
        let is_row = axis + 1 == N;
        let mut used = N; // of this line, if it is a row: the brackets or as many spaces
        f.write_char('[')?;
        for (nth, position) in self.positions(axis).enumerate() {
            let width = position.map_or("...".len(), |_| column);
            if nth > 0 {
                f.write_str(self.comma)?;
                used += self.comma.len() + " ".len();
                if is_row && used + width <= self.line_width() {
                    f.write_char(' ')?;
                } else {
                    self.write_break(f, axis)?;
                    used = N;
                }
            }
            used += width;
            let Some(position) = position else {
                f.write_str("...")?;
                continue;
            };
            index[axis] = position;
            self.write_axis(f, axis + 1, index, emit, column)?;
        }
        f.write_char(']')
    }

    /// The characters there are for a row without its closing brackets.
    fn line_width(&self) -> usize {
        match self.breaks {
            Breaks::None => usize::MAX,
            Breaks::Rows { indent } => LINE_WIDTH.saturating_sub(indent + N),
            Breaks::Blocks => LINE_WIDTH.saturating_sub(N),
        }
    }

    /// What separates two items of an axis that are not side by side.
    fn write_break(&self, f: &mut Formatter<'_>, axis: usize) -> fmt::Result {
        let (lines, indent) = match self.breaks {
            Breaks::None => return f.write_char(' '),
            Breaks::Rows { indent } => (1, indent),
            // Within a row, where the axis is the last, one line as well.
            Breaks::Blocks => ((N - 1 - axis).max(1), 0),
        };
        repeat(f, '\n', lines)?;
        repeat(f, ' ', indent + axis + 1)
    }
}

/// The text of the printed elements, one after the other.
#[derive(Default)]
struct Words {
    text: String,
    /// Where each word ends, in bytes.
    ends: Vec<usize>,
    /// The width of the widest, in characters.
    widest: usize,
}

impl Words {
    fn push<T>(&mut self, element: Element<'_, T>, flags: Flags) -> fmt::Result {
        let start = self.text.len();
        flags.write(&mut self.text, element)?;
        let width = self.text[start..].chars().count();
        self.widest = self.widest.max(width);
        self.ends.push(self.text.len());
        Ok(())
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let word = &self.text[start..end];
            start = end;
            word
        })
    }
}

/// An element and which of its traits prints it.
struct Element<'a, T> {
    element: &'a T,
    how: fn(&T, &mut Formatter<'_>) -> fmt::Result,
}

impl<T> Display for Element<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        (self.how)(self.element, f)
    }
}

/// The flags of a formatter that concern an element by itself.
#[derive(Clone, Copy)]
struct Flags {
    plus: bool,
    alternate: bool,
    /// The width to fill up with zeros.
    zeros: Option<usize>,
    precision: Option<usize>,
}

impl Flags {
    /// Formats with these flags. A stable compiler takes flags from a literal alone, so there
    /// is one for each combination; the numbers in them need not be literal.
    #[rustfmt::skip]
    fn write(self, out: &mut String, e: impl Display) -> fmt::Result {
        let Self { plus, alternate, zeros, precision } = self;
        match (plus, alternate, zeros, precision) {
            (false, false, None,    None)    => write!(out, "{e}"),
            (false, false, None,    Some(p)) => write!(out, "{e:.p$}"),
            (false, false, Some(w), None)    => write!(out, "{e:0w$}"),
            (false, false, Some(w), Some(p)) => write!(out, "{e:0w$.p$}"),
            (false, true,  None,    None)    => write!(out, "{e:#}"),
            (false, true,  None,    Some(p)) => write!(out, "{e:#.p$}"),
            (false, true,  Some(w), None)    => write!(out, "{e:#0w$}"),
            (false, true,  Some(w), Some(p)) => write!(out, "{e:#0w$.p$}"),
            (true,  false, None,    None)    => write!(out, "{e:+}"),
            (true,  false, None,    Some(p)) => write!(out, "{e:+.p$}"),
            (true,  false, Some(w), None)    => write!(out, "{e:+0w$}"),
            (true,  false, Some(w), Some(p)) => write!(out, "{e:+0w$.p$}"),
            (true,  true,  None,    None)    => write!(out, "{e:+#}"),
            (true,  true,  None,    Some(p)) => write!(out, "{e:+#.p$}"),
            (true,  true,  Some(w), None)    => write!(out, "{e:+#0w$}"),
            (true,  true,  Some(w), Some(p)) => write!(out, "{e:+#0w$.p$}"),
        }
    }
}

/// Prints a word as wide as its column: to the right, unless the formatter says otherwise.
fn pad(f: &mut Formatter<'_>, word: &str, column: usize) -> fmt::Result {
    let missing = column.saturating_sub(word.chars().count());
    let before = match f.align().unwrap_or(Alignment::Right) {
        Alignment::Left => 0,
        Alignment::Right => missing,
        Alignment::Center => missing / 2,
    };
    let fill = f.fill();
    repeat(f, fill, before)?;
    f.write_str(word)?;
    repeat(f, fill, missing - before)
}

fn repeat(f: &mut Formatter<'_>, what: char, times: usize) -> fmt::Result {
    (0..times).try_for_each(|_| f.write_char(what))
}
