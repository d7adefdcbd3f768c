//! What goes in, the same for every candidate in every language, and what comes out.

/// Type of the elements that go in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    U8,
    F32,
}

impl Kind {
    pub fn size(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::F32 => 4,
        }
    }
}

/// Random elements for an image `[H, W, C]`, or for planes `[C, H, W]`.
pub struct Input {
    pub shape: [usize; 3],
    pub bytes: Vec<u8>,
    pub a: Vec<f32>,
    pub b: Vec<f32>,
}

impl Input {
    pub fn new(shape: [usize; 3]) -> Self {
        let n = shape.iter().product::<usize>() as u64;
        let floats = |start: u64| (start..start + n).map(|i| (mix(i) >> 40) as f32 / 16_777_216.0);
        Self {
            shape,
            bytes: (0..n).map(|i| (mix(i) >> 56) as u8).collect(),
            a: floats(1 << 40).collect(),
            b: floats(2 << 40).collect(),
        }
    }
}

/// The `i`-th random number: the finaliser of MurmurHash3 on multiples of the golden ratio. The
/// Python script has the same.
fn mix(i: u64) -> u64 {
    let mut x = i.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    x = (x ^ (x >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    x ^ (x >> 33)
}

/// A type of element that candidates are generic over.
pub trait Pixel: Copy + Clone + Default + PartialEq + Send + Sync + 'static {
    fn of(input: &Input) -> Vec<Self>;
    fn output(elements: Vec<Self>) -> Output;
}

impl Pixel for u8 {
    fn of(input: &Input) -> Vec<Self> {
        input.bytes.clone()
    }

    fn output(elements: Vec<Self>) -> Output {
        Output::U8(elements)
    }
}

impl Pixel for f32 {
    fn of(input: &Input) -> Vec<Self> {
        input.a.clone()
    }

    fn output(elements: Vec<Self>) -> Output {
        Output::F32(elements)
    }
}

/// The result of a row, in row-major order.
#[derive(Clone, Debug)]
pub enum Output {
    U8(Vec<u8>),
    F32(Vec<f32>),
    Number(f64),
}

impl Output {
    /// Where two results differ, beyond what another order of additions explains.
    pub fn differs(&self, other: &Self) -> Option<String> {
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-4 * (1.0 + a.abs().max(b.abs()));
        match (self, other) {
            (Self::U8(a), Self::U8(b)) if a.len() == b.len() => {
                let at = a.iter().zip(b).position(|(a, b)| a != b)?;
                Some(format!("element {at}: {} and {}", a[at], b[at]))
            }
            (Self::F32(a), Self::F32(b)) if a.len() == b.len() => {
                let far = |(&a, &b): (&f32, &f32)| !close(a.into(), b.into());
                let at = a.iter().zip(b).position(far)?;
                Some(format!("element {at}: {} and {}", a[at], b[at]))
            }
            (Self::Number(a), Self::Number(b)) => (!close(*a, *b)).then(|| format!("{a} and {b}")),
            _ => Some("another type or number of elements".to_string()),
        }
    }

    /// One number that a result in another order does not have.
    pub fn digest(&self) -> f64 {
        let weighted = |(i, x): (usize, f64)| x * (i % 251 + 1) as f64;
        match self {
            Self::U8(a) => a.iter().map(|&x| x.into()).enumerate().map(weighted).sum(),
            Self::F32(a) => a.iter().map(|&x| x.into()).enumerate().map(weighted).sum(),
            Self::Number(x) => *x,
        }
    }
}
