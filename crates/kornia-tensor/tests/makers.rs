//! Every way to make a tensor of fresh memory: the same elements, in the memory that was asked for.

mod common;

use common::Ledger;
use kornia_tensor::{AllocHandle, Tensor, TensorError, TensorView};

const SHAPE: [usize; 2] = [2, 3];
const RAMP: [u32; 6] = [0, 1, 2, 10, 11, 12];

fn ramp([y, x]: [usize; 2]) -> u32 {
    (10 * y + x) as u32
}

fn view() -> TensorView<'static, u32, 2> {
    TensorView::from_slice(SHAPE, &RAMP).unwrap()
}

type Plain = fn() -> Tensor<u32, 2>;
type Checked = fn() -> Result<Tensor<u32, 2>, TensorError>;
type In = fn(AllocHandle) -> Tensor<u32, 2>;
type CheckedIn = fn(AllocHandle) -> Result<Tensor<u32, 2>, TensorError>;

/// One row of the table on top of `Tensor`: its elements and its four cells.
struct Row {
    name: &'static str,
    elements: [u32; 6],
    plain: Option<Plain>,
    checked: Checked,
    plain_in: Option<In>,
    checked_in: CheckedIn,
}

fn rows() -> [Row; 7] {
    [
        Row {
            name: "zeros",
            elements: [0; 6],
            plain: Some(|| Tensor::zeros(SHAPE)),
            checked: || Tensor::try_zeros(SHAPE),
            plain_in: Some(|alloc| Tensor::zeros_in(SHAPE, alloc)),
            checked_in: |alloc| Tensor::try_zeros_in(SHAPE, alloc),
        },
        Row {
            name: "full",
            elements: [7; 6],
            plain: Some(|| Tensor::full(SHAPE, 7)),
            checked: || Tensor::try_full(SHAPE, 7),
            plain_in: Some(|alloc| Tensor::full_in(SHAPE, 7, alloc)),
            checked_in: |alloc| Tensor::try_full_in(SHAPE, 7, alloc),
        },
        Row {
            name: "from_shape_fn",
            elements: RAMP,
            plain: Some(|| Tensor::from_shape_fn(SHAPE, ramp)),
            checked: || Tensor::try_from_shape_fn(SHAPE, ramp),
            plain_in: Some(|alloc| Tensor::from_shape_fn_in(SHAPE, alloc, ramp)),
            checked_in: |alloc| Tensor::try_from_shape_fn_in(SHAPE, alloc, ramp),
        },
        Row {
            name: "from_shape_slice",
            elements: RAMP,
            plain: None,
            checked: || Tensor::from_shape_slice(SHAPE, &RAMP),
            plain_in: None,
            checked_in: |alloc| Tensor::from_shape_slice_in(SHAPE, &RAMP, alloc),
        },
        Row {
            name: "from_shape_vec",
            elements: RAMP,
            plain: None,
            checked: || Tensor::from_shape_vec(SHAPE, RAMP.to_vec()),
            plain_in: None,
            checked_in: |alloc| Tensor::from_shape_vec_in(SHAPE, RAMP.to_vec(), alloc),
        },
        Row {
            name: "writer",
            elements: RAMP,
            plain: None,
            checked: || {
                let mut writer = Tensor::writer(SHAPE)?;
                writer.write_slice(&RAMP)?;
                writer.finish()
            },
            plain_in: None,
            checked_in: |alloc| {
                let mut writer = Tensor::writer_in(SHAPE, alloc)?;
                writer.write_slice(&RAMP)?;
                writer.finish()
            },
        },
        Row {
            name: "to_tensor",
            elements: RAMP,
            plain: Some(|| view().to_tensor()),
            checked: || view().try_to_tensor(),
            plain_in: Some(|alloc| view().to_tensor_in(alloc)),
            checked_in: |alloc| view().try_to_tensor_in(alloc),
        },
    ]
}

#[test]
fn ordinary_memory_is_a_vec_with_the_elements_asked_for() {
    for row in rows() {
        let made = [row.plain.map(|make| make()), Some((row.checked)().unwrap())];
        for tensor in made.into_iter().flatten() {
            assert_eq!(tensor.shape(), &SHAPE, "{}", row.name);
            assert!(tensor.storage().alloc().is_global(), "{}", row.name);
            assert_eq!(tensor.into_vec(), row.elements, "{}", row.name);
        }
    }
}

#[test]
fn an_allocator_is_asked_once_and_copies_come_from_it() {
    for row in rows() {
        let checked: CheckedIn = row.checked_in;
        for make in [row.plain_in.map(Ok), Some(Err(checked))]
            .into_iter()
            .flatten()
        {
            let ledger = Ledger::new();
            let tensor = match make {
                Ok(plain) => plain(ledger.allocator()),
                Err(checked) => checked(ledger.allocator()).unwrap(),
            };
            assert_eq!(tensor.as_slice(), row.elements, "{}", row.name);
            assert_eq!(ledger.asked(), 1, "{}", row.name);
            let copy = tensor.deep_clone().unwrap();
            assert_eq!((&copy, ledger.asked()), (&tensor, 2), "{}", row.name);
        }
    }
}

#[test]
fn an_allocator_that_refuses_is_an_error_of_every_checked_form() {
    for row in rows() {
        let refused = (row.checked_in)(Ledger::new().allocator_for(0)).unwrap_err();
        let text = "allocation failed: out of blocks";
        assert_eq!(refused.to_string(), text, "{}", row.name);
    }
}
