//! The crate safetensors, which has no tensors of its own: a shape, and elements that it borrows.

use std::fs;

use memmap2::Mmap;
use safetensors::tensor::TensorView;
use safetensors::{SafeTensors, serialize, serialize_to_file};

use crate::files::{self, Both, Element, Format};
use crate::input::{Input, Output};

pub const NAME: &str = "safetensors";

type Image<T> = ([usize; 3], Vec<T>);

fn view<T: Element>((shape, elements): &Image<T>) -> [(&'static str, TensorView<'_>); 1] {
    let view = TensorView::new(<T as Element>::DTYPE, shape.to_vec(), T::as_bytes(elements));
    [(files::NAME, view.unwrap())]
}

fn elements(bytes: &[u8]) -> &[u8] {
    let tensors = SafeTensors::deserialize(bytes).unwrap();
    tensors.tensor(files::NAME).unwrap().data()
}

pub fn files<T: Element>(format: Format, input: &Input, both: &mut Both) {
    let image: Image<T> = (input.shape, T::of(input));
    let write = |image: &Image<T>, path: &std::path::Path| {
        serialize_to_file(view(image), None, path).unwrap();
    };
    match format {
        Format::SafeTensors => {
            // The elements stay where they were read to.
            let read = |path: &std::path::Path| {
                let bytes = fs::read(path).unwrap();
                let from_end = elements(&bytes).len();
                (bytes, from_end)
            };
            let look = |(bytes, from_end): &(Vec<u8>, usize)| -> Output {
                T::output(T::of_bytes(&bytes[bytes.len() - from_end..]))
            };
            both.in_file(NAME, image.clone(), write, read, look);
            let write = |image: &Image<T>| serialize(view(image), None).unwrap();
            let read = |bytes: &Vec<u8>| T::of_bytes(elements(bytes));
            let look = |elements: &Vec<T>| T::output(elements.clone());
            both.in_memory(NAME, image, write, read, look);
        }
        Format::Mapped => {
            let read = |path: &std::path::Path| {
                let file = fs::File::open(path).unwrap();
                // SAFETY: nobody changes the file while it is mapped.
                let bytes = unsafe { Mmap::map(&file) }.unwrap();
                let from_end = elements(&bytes).len();
                (bytes, from_end)
            };
            let look = |(bytes, from_end): &(Mmap, usize)| -> Output {
                T::output(T::of_bytes(&bytes[bytes.len() - from_end..]))
            };
            both.in_file(NAME, image, write, read, look);
        }
        Format::Npy | Format::Npz => {}
    }
}
