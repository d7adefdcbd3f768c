//! A picture of an allocation: which windows show which part of it.

#![forbid(unsafe_code)]

use std::fmt::{self, Write};
use std::marker::PhantomData;

use crate::Tensor;
use crate::error::TensorError;
use crate::storage::{StorageId, TensorStorage};

/// Parts of the bar that a window is drawn as.
const CELLS: usize = 60;

/// Colours of the bars, one after the other.
const COLOURS: [[u8; 3]; 6] = [
    [31, 90, 150],
    [200, 90, 20],
    [30, 125, 70],
    [165, 40, 60],
    [110, 70, 160],
    [90, 90, 30],
];

/// Which tensors show which part of an allocation, as text (`Display`) and as SVG.
///
/// A darker stretch shows more of its elements: a crop shows part of each row, a plane of
/// interleaved pixels every third element. Making and drawing it reads no element, and takes time
/// proportional to the number of tensors, not to their size.
///
/// ```
/// use kornia_tensor::{StorageMap, Tensor};
///
/// let frame = Tensor::<u8, 3>::zeros([1080, 1920, 3]);
/// let sky = frame.slice((..270, .., ..));
/// let face = frame.slice((500..600, 900..1000, ..));
/// let red = frame.slice((.., .., 0));
///
/// let map = StorageMap::of(frame.storage())
///     .with("sky", &sky)?
///     .with("face", &face)?
///     .with("red", &red)?;
/// let text = map.to_string();
/// assert!(text.contains("sky"));
/// assert!(text.contains("25.0%")); // of the elements
/// assert!(map.to_svg().starts_with("<svg"));
///
/// let other = Tensor::<u8, 1>::zeros([4]);
/// assert!(map.with("other", &other).is_err()); // not this memory
/// # Ok::<(), kornia_tensor::TensorError>(())
/// ```
#[derive(Clone, Debug)]
pub struct StorageMap<'a> {
    id: StorageId,
    elements: usize,
    element_size: usize,
    windows: Vec<Window>,
    /// The storage lives for as long as its id is compared.
    alive: PhantomData<&'a ()>,
}

/// What a tensor shows.
#[derive(Clone, Debug)]
struct Window {
    name: String,
    shape: Vec<usize>,
    shown: usize,
    /// Its lowest and its last element in the allocation, the last one not included.
    reach: [usize; 2],
    /// How many of its elements lie in each cell.
    cells: [u64; CELLS],
}

impl<'a> StorageMap<'a> {
    /// The allocation behind a storage, with no tensor yet. O(1).
    pub fn of<T>(storage: &'a TensorStorage<T>) -> Self {
        Self {
            id: storage.id(),
            elements: storage.allocation_len(),
            element_size: size_of::<T>(),
            windows: Vec::new(),
            alive: PhantomData,
        }
    }

    /// Adds a tensor under a name. Its rank and the number of cells decide about the time, not its
    /// size.
    ///
    /// # Errors
    ///
    /// `UnsupportedOperation` if the tensor is a window of another allocation.
    pub fn with<T, const N: usize>(
        mut self,
        name: impl Into<String>,
        tensor: &Tensor<T, N>,
    ) -> Result<Self, TensorError> {
        let name = name.into();
        let storage = tensor.storage();
        if storage.id() != self.id {
            return Err(TensorError::UnsupportedOperation(format!(
                "{name:?} shows another storage; begin a map of that one"
            )));
        }
        let layout = tensor.layout();
        let mut window = Window {
            name,
            shape: tensor.shape().to_vec(),
            shown: tensor.numel(),
            reach: [storage.offset(), storage.offset() + layout.span()],
            cells: [0; CELLS],
        };
        if window.shown > 0 && self.element_size > 0 {
            let axes: [(usize, usize); N] = std::array::from_fn(|axis| {
                let stride = layout.strides()[axis].unsigned_abs();
                (layout.shape()[axis], stride)
            });
            paint(&mut window.cells, self.cell(), window.reach[0], axes);
        }
        self.windows.push(window);
        Ok(self)
    }

    /// Elements in a cell; the last cells may be empty.
    fn cell(&self) -> usize {
        self.elements.div_ceil(CELLS).max(1)
    }

    /// Which part of a cell's elements a window shows.
    fn share(&self, window: &Window, cell: usize) -> f64 {
        let start = cell * self.cell();
        let there = self.cell().min(self.elements.saturating_sub(start));
        match there {
            0 => 0.0,
            _ => window.cells[cell] as f64 / there as f64,
        }
    }

    fn percent(&self, window: &Window) -> f64 {
        100.0 * window.shown as f64 / self.elements.max(1) as f64
    }

    fn title(&self) -> String {
        let Self {
            elements,
            element_size,
            ..
        } = self;
        let s = if *element_size == 1 { "" } else { "s" };
        format!(
            "{elements} elements of {element_size} byte{s}, {}",
            Bytes(elements * element_size)
        )
    }

    /// A picture 960 pixels wide: a bar for each tensor, over the whole allocation.
    #[must_use]
    pub fn to_svg(&self) -> String {
        const ROW: usize = 34;
        const LEFT: usize = 150;
        const BAR: usize = 10 * CELLS;
        let height = 70 + ROW * self.windows.len();
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 960 {height}\" \
             shape-rendering=\"crispEdges\" font-family=\"sans-serif\" font-size=\"13\">\n\
             <rect width=\"960\" height=\"{height}\" fill=\"white\"/>\n\
             <text x=\"{LEFT}\" y=\"24\" fill=\"#333\">{}</text>\n",
            self.title()
        );
        for (row, window) in self.windows.iter().enumerate() {
            let y = 40 + ROW * row;
            let colour = COLOURS[row % COLOURS.len()];
            let mut bar = format!(
                "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n\
                 <rect x=\"{LEFT}\" y=\"{y}\" width=\"{BAR}\" height=\"22\" fill=\"#eee\"/>\n",
                LEFT - 10,
                y + 16,
                Escaped(&window.name)
            );
            for cell in 0..CELLS {
                let share = self.share(window, cell);
                if share > 0.0 {
                    let [r, g, b] = colour.map(|full| fade(full, share));
                    let x = LEFT + 10 * cell;
                    // Writing to a `String` cannot fail.
                    let _ = writeln!(
                        bar,
                        "<rect x=\"{x}\" y=\"{y}\" width=\"10\" height=\"22\" \
                         fill=\"#{r:02x}{g:02x}{b:02x}\"/>"
                    );
                }
            }
            let _ = writeln!(
                bar,
                "<text x=\"{}\" y=\"{}\" fill=\"#555\">{:.1}% {:?}</text>",
                LEFT + BAR + 8,
                y + 16,
                self.percent(window),
                window.shape
            );
            svg += &bar;
        }
        let axis = height - 12;
        let _ = write!(
            svg,
            "<text x=\"{LEFT}\" y=\"{axis}\" fill=\"#777\">0</text>\n\
             <text x=\"{}\" y=\"{axis}\" text-anchor=\"end\" fill=\"#777\">{}</text>\n</svg>\n",
            LEFT + BAR,
            Bytes(self.elements * self.element_size)
        );
        svg
    }
}

impl fmt::Display for StorageMap<'_> {
    /// A line for each tensor: its name, the allocation from left to right, how much of it the
    /// tensor shows, where it begins and ends, and its shape.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.title())?;
        let names = self
            .windows
            .iter()
            .map(|window| window.name.chars().count());
        let width = names.max().unwrap_or(0);
        for window in &self.windows {
            write!(f, "\n{:width$} |", window.name)?;
            for cell in 0..CELLS {
                f.write_char(match self.share(window, cell) {
                    share if share <= 0.0 => ' ',
                    share if share < 0.35 => '░',
                    share if share < 0.7 => '▒',
                    share if share < 1.0 => '▓',
                    _ => '█',
                })?;
            }
            let [start, end] = window.reach;
            let percent = self.percent(window);
            write!(f, "| {percent:5.1}%  {start}..{end}  {:?}", window.shape)?;
        }
        Ok(())
    }
}

/// Adds to each cell how many elements of a layout lie in it: halves the layout until a part lies
/// in one cell.
fn paint<const N: usize>(
    cells: &mut [u64; CELLS],
    cell: usize,
    start: usize,
    axes: [(usize, usize); N],
) {
    let span: usize = axes.iter().map(|(len, stride)| (len - 1) * stride).sum();
    let (first, last) = (start / cell, (start + span) / cell);
    if first == last {
        let count: usize = axes.iter().map(|(len, _)| len).product();
        cells[first] += count as u64;
        return;
    }
    let longest = (0..N).filter(|&axis| axes[axis].0 > 1);
    let Some(axis) = longest.max_by_key(|&axis| axes[axis].1) else {
        unreachable!("one element lies in one cell")
    };
    let (len, stride) = axes[axis];
    let half = len / 2;
    let (mut low, mut high) = (axes, axes);
    (low[axis].0, high[axis].0) = (half, len - half);
    paint(cells, cell, start, low);
    paint(cells, cell, start + half * stride, high);
}

/// A colour that gets nearer to that of an empty bar, the less there is.
fn fade(full: u8, share: f64) -> u8 {
    const EMPTY: f64 = 238.0;
    let strength = 0.2 + 0.8 * share.min(1.0);
    // Between two bytes, so that it is one.
    (EMPTY + (f64::from(full) - EMPTY) * strength).round() as u8
}

/// A size for people.
struct Bytes(usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = ["KiB", "MiB", "GiB"];
        let mut size = self.0 as f64;
        if self.0 < 1024 {
            return write!(f, "{} bytes", self.0);
        }
        for unit in units {
            size /= 1024.0;
            if size < 1024.0 || unit == "GiB" {
                return write!(f, "{size:.1} {unit}");
            }
        }
        Ok(())
    }
}

/// Text in an SVG.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|char| match char {
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '&' => f.write_str("&amp;"),
            _ => f.write_char(char),
        })
    }
}
