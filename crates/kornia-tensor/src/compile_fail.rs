//! What must not compile, each beside a twin that does.
//!
//! The twin differs in the one thing that is wrong, so a test cannot pass because of a typing
//! error. The codes are checked by a nightly compiler.
//!
//! # The shape of a tensor is read, not written
//!
//! ```
//! let t = kornia_tensor::Tensor::<u8, 2>::zeros([2, 3]);
//! let mut shape = t.shape;
//! shape[0] = 1000;
//! assert_eq!(t.shape, [2, 3]);
//! ```
//! ```compile_fail,E0594
//! let mut t = kornia_tensor::Tensor::<u8, 2>::zeros([2, 3]);
//! t.shape[0] = 1000;
//! ```
//! ```compile_fail,E0594
//! let mut t = kornia_tensor::Tensor::<u8, 2>::zeros([2, 3]);
//! t.strides = [1000, 1];
//! ```
//! ```compile_fail,E0594
//! let mut t = kornia_tensor::Tensor::<u8, 2>::zeros([2, 3]);
//! let other = kornia_tensor::Tensor::<u8, 2>::zeros([1, 1]);
//! t.storage = other.storage.clone();
//! ```
//!
//! # Tensors are swapped, their fields are not
//!
//! ```
//! let mut a = kornia_tensor::Tensor::<u8, 1>::zeros([2]);
//! let mut b = kornia_tensor::Tensor::<u8, 1>::zeros([1000]);
//! std::mem::swap(&mut a, &mut b);
//! ```
//! ```compile_fail,E0596
//! let mut a = kornia_tensor::Tensor::<u8, 1>::zeros([2]);
//! let mut b = kornia_tensor::Tensor::<u8, 1>::zeros([1000]);
//! std::mem::swap(&mut a.shape, &mut b.shape);
//! ```
//! ```compile_fail,E0596
//! let mut a = kornia_tensor::Tensor::<u8, 1>::zeros([2]);
//! let mut b = kornia_tensor::Tensor::<u8, 1>::zeros([1000]);
//! std::mem::swap(&mut a.storage, &mut b.storage);
//! ```
//!
//! # A tensor is taken apart by a method
//!
//! ```
//! let t = kornia_tensor::Tensor::<u8, 1>::zeros([2]);
//! let storage = t.into_parts().storage;
//! ```
//! ```compile_fail,E0507
//! let t = kornia_tensor::Tensor::<u8, 1>::zeros([2]);
//! let storage = t.storage;
//! ```
//!
//! # A tensor is put together by a method
//!
//! ```
//! # use kornia_tensor::{Tensor, TensorParts, TensorStorage, host_alloc};
//! let storage = TensorStorage::from_vec(vec![1u8], host_alloc());
//! let t = Tensor::try_from_parts(TensorParts { storage, shape: [1], strides: [1] });
//! ```
//! ```compile_fail,E0560
//! # use kornia_tensor::{Tensor, TensorStorage, host_alloc};
//! let storage = TensorStorage::from_vec(vec![1u8], host_alloc());
//! let t = Tensor::<u8, 1> { storage, shape: [1], strides: [1] };
//! ```
//!
//! # Cells and counted references stay on their thread
//!
//! ```
//! let t = kornia_tensor::Tensor::from_shape_vec([1], vec![1u8]).unwrap();
//! std::thread::spawn(move || t.numel()).join().unwrap();
//! ```
//! ```compile_fail,E0277
//! let t = kornia_tensor::Tensor::from_shape_vec([1], vec![std::cell::Cell::new(1u8)]).unwrap();
//! std::thread::spawn(move || t.numel()).join().unwrap();
//! ```
//! ```compile_fail,E0277
//! let t = kornia_tensor::Tensor::from_shape_vec([1], vec![std::rc::Rc::new(1u8)]).unwrap();
//! std::thread::spawn(move || t.numel()).join().unwrap();
//! ```
//! ```compile_fail,E0277
//! let t = kornia_tensor::Tensor::from_shape_vec([1], vec![std::cell::Cell::new(1u8)]).unwrap();
//! let view = t.view();
//! std::thread::scope(|scope| scope.spawn(move || view.numel()).join().unwrap());
//! ```
//!
//! A mutable view of cells may go, as `&mut [Cell<T>]` may; one of counted references may not.
//!
//! ```
//! let mut t = kornia_tensor::Tensor::from_shape_vec([1], vec![std::cell::Cell::new(1)]).unwrap();
//! let view = t.view_mut();
//! std::thread::scope(|scope| scope.spawn(move || view.numel()).join().unwrap());
//! ```
//! ```compile_fail,E0277
//! let mut t = kornia_tensor::Tensor::from_shape_vec([1], vec![std::rc::Rc::new(1)]).unwrap();
//! let view = t.view_mut();
//! std::thread::scope(|scope| scope.spawn(move || view.numel()).join().unwrap());
//! ```
//!
//! # A view does not outlive its tensor; a tensor outlives its parent
//!
//! ```
//! let t = kornia_tensor::Tensor::<u8, 1>::zeros([4]);
//! let part = t.slice((1..3,));
//! drop(t);
//! assert_eq!(part.numel(), 2);
//! ```
//! ```compile_fail,E0505
//! let t = kornia_tensor::Tensor::<u8, 1>::zeros([4]);
//! let part = t.view().slice((1..3,));
//! drop(t);
//! assert_eq!(part.numel(), 2);
//! ```
//! ```compile_fail,E0505
//! let t = kornia_tensor::Tensor::<u8, 1>::zeros([4]);
//! let rows = t.rows();
//! let elements = t.into_vec();
//! assert_eq!(rows.len(), 1);
//! ```
//! ```compile_fail,E0505
//! let t = kornia_tensor::Tensor::<u8, 1>::zeros([4]);
//! let first = t.get([0]);
//! drop(t);
//! assert_eq!(first, Some(&0));
//! ```
//!
//! # No handle is made while the elements are borrowed for writing
//!
//! ```
//! let mut t = kornia_tensor::Tensor::<u8, 1>::zeros([4]);
//! let mut view = t.view_mut();
//! view[[0]] = 1;
//! let other = t.clone();
//! ```
//! ```compile_fail,E0502
//! let mut t = kornia_tensor::Tensor::<u8, 1>::zeros([4]);
//! let mut view = t.view_mut();
//! let other = t.clone();
//! view[[0]] = 1;
//! ```
//! ```compile_fail,E0502
//! let mut t = kornia_tensor::Tensor::<u8, 1>::zeros([4]);
//! let elements = t.as_mut_slice();
//! let other = t.slice((1..2,));
//! elements[0] = 1;
//! ```
//! ```compile_fail,E0502
//! let mut t = kornia_tensor::Tensor::<u8, 1>::zeros([4]);
//! let mut view = t.make_mut();
//! let storage = t.storage.clone();
//! view[[0]] = 1;
//! ```
//! ```compile_fail,E0502
//! let mut t = kornia_tensor::Tensor::<u8, 1>::zeros([4]);
//! let reader = t.view();
//! t.view_mut()[[0]] = 1;
//! assert_eq!(reader[[0]], 0);
//! ```
//!
//! # There is one mutable view at a time
//!
//! ```
//! let mut t = kornia_tensor::Tensor::<u8, 1>::zeros([4]);
//! let mut view = t.view_mut();
//! let (mut a, mut b) = view.split_at_mut(0, 2);
//! (a[[0]], b[[0]]) = (1, 2);
//! ```
//! ```compile_fail,E0499
//! let mut t = kornia_tensor::Tensor::<u8, 1>::zeros([4]);
//! let (mut a, mut b) = (t.view_mut(), t.view_mut());
//! (a[[0]], b[[0]]) = (1, 2);
//! ```
//! ```compile_fail,E0499
//! let mut t = kornia_tensor::Tensor::<u8, 1>::zeros([4]);
//! let mut view = t.view_mut();
//! let (mut a, mut b) = (view.reborrow(), view.reborrow());
//! (a[[0]], b[[0]]) = (1, 2);
//! ```
//! ```compile_fail,E0382
//! let mut t = kornia_tensor::Tensor::<u8, 1>::zeros([4]);
//! let view = t.view_mut();
//! let (mut a, mut b) = (view.slice((..2,)), view.slice((1..,)));
//! (a[[0]], b[[0]]) = (1, 2);
//! ```
//!
//! # An element is written through a view
//!
//! ```
//! let mut t = kornia_tensor::Tensor::<u8, 1>::zeros([4]);
//! t.view_mut()[[0]] = 1;
//! assert_eq!(t[[0]], 1);
//! ```
//! ```compile_fail,E0594
//! let mut t = kornia_tensor::Tensor::<u8, 1>::zeros([4]);
//! t[[0]] = 1;
//! ```
//! ```compile_fail,E0594
//! let mut t = kornia_tensor::Tensor::<u8, 1>::zeros([4]);
//! t.view()[[0]] = 1;
//! ```
//!
//! # What may show an element twice is for reading
//!
//! ```
//! let mut t = kornia_tensor::Tensor::<u8, 1>::zeros([1]);
//! assert_eq!(t.view_mut().view().broadcast_to([4]).unwrap().numel(), 4);
//! ```
//! ```compile_fail,E0599
//! let mut t = kornia_tensor::Tensor::<u8, 1>::zeros([1]);
//! assert_eq!(t.view_mut().broadcast_to([4]).unwrap().numel(), 4);
//! ```
//! ```compile_fail,E0599
//! let mut t = kornia_tensor::Tensor::<u8, 1>::zeros([4]);
//! assert_eq!(t.view_mut().windows(0, 2).numel(), 6);
//! ```
//! ```compile_fail,E0599
//! let t = kornia_tensor::Tensor::<u8, 1>::zeros([1]);
//! assert_eq!(t.broadcast_to([4]).unwrap().numel(), 4);
//! ```
//!
//! # Exclusive references end with what they were borrowed from
//!
//! ```
//! let mut t = kornia_tensor::Tensor::<u8, 1>::zeros([4]);
//! let view = t.view_mut();
//! let mut iter = view.into_iter();
//! *iter.next().unwrap() = 1;
//! ```
//! ```compile_fail,E0505
//! let mut t = kornia_tensor::Tensor::<u8, 1>::zeros([4]);
//! let mut view = t.view_mut();
//! let mut iter = view.iter_mut();
//! drop(view);
//! *iter.next().unwrap() = 1;
//! ```
//! ```compile_fail,E0505
//! let mut t = kornia_tensor::Tensor::<u8, 1>::zeros([4]);
//! let mut iter = t.view_mut().into_iter();
//! drop(t);
//! *iter.next().unwrap() = 1;
//! ```
//! ```compile_fail,E0515
//! use kornia_tensor::{IterMut, TensorViewMut};
//! fn all<'a>(mut view: TensorViewMut<'a, u8, 1>) -> IterMut<'a, u8, 1> {
//!     view.iter_mut()
//! }
//! ```
//!
//! # Who may write while others see the memory is invariant in the element
//!
//! Or a short reference could be written into a tensor of long ones, and be read or dropped there
//! when it is gone. Owned parts drop each other's elements: the last one drops all of them.
//!
//! ```
//! use kornia_tensor::TensorView;
//! fn shorten<'a>(view: TensorView<'a, &'static str, 1>) -> TensorView<'a, &'a str, 1> {
//!     view
//! }
//! ```
//! ```
//! use kornia_tensor::{IterMut, RowsMut, TensorViewMut};
//! fn shorten<'a, T>(view: TensorViewMut<'static, T, 1>) -> TensorViewMut<'a, T, 1> {
//!     view
//! }
//! fn shorten_iter<'a, T>(iter: IterMut<'static, T, 1>) -> IterMut<'a, T, 1> {
//!     iter
//! }
//! fn shorten_rows<'a, T>(rows: RowsMut<'static, T>) -> RowsMut<'a, T> {
//!     rows
//! }
//! ```
//! ```compile_fail
//! use kornia_tensor::TensorViewMut;
//! fn shorten<'a>(view: TensorViewMut<'a, &'static str, 1>) -> TensorViewMut<'a, &'a str, 1> {
//!     view
//! }
//! ```
//! ```compile_fail
//! use kornia_tensor::IterMut;
//! fn shorten<'a>(iter: IterMut<'a, &'static str, 1>) -> IterMut<'a, &'a str, 1> {
//!     iter
//! }
//! ```
//! ```compile_fail
//! use kornia_tensor::RowsMut;
//! fn shorten<'a>(rows: RowsMut<'a, &'static str>) -> RowsMut<'a, &'a str> {
//!     rows
//! }
//! ```
//! ```compile_fail
//! use kornia_tensor::TensorView;
//! fn lengthen<'a>(view: TensorView<'a, &'a str, 1>) -> TensorView<'a, &'static str, 1> {
//!     view
//! }
//! ```
//! ```compile_fail
//! use kornia_tensor::Tensor;
//! fn lengthen<'a>(tensor: Tensor<&'a str, 1>) -> Tensor<&'static str, 1> {
//!     tensor
//! }
//! ```
//!
//! An owned part keeps its element, be it a reference, a trait object or a pointer to a function.
//!
//! ```
//! use kornia_tensor::{Tensor, TensorMut};
//! fn keep(part: TensorMut<&'static str, 1>) -> TensorMut<&'static str, 1> {
//!     part
//! }
//! fn shorten<'a>(frozen: Tensor<&'static str, 1>) -> Tensor<&'a str, 1> {
//!     frozen
//! }
//! ```
//! ```compile_fail
//! use kornia_tensor::TensorMut;
//! fn shorten<'a>(part: TensorMut<&'static str, 1>) -> TensorMut<&'a str, 1> {
//!     part
//! }
//! ```
//! ```compile_fail
//! use kornia_tensor::TensorMut;
//! fn lengthen<'a>(part: TensorMut<&'a str, 1>) -> TensorMut<&'static str, 1> {
//!     part
//! }
//! ```
//! ```compile_fail
//! use kornia_tensor::TensorMut;
//! type Object<'a> = Box<dyn Fn() -> usize + 'a>;
//! fn shorten<'a>(part: TensorMut<Object<'static>, 1>) -> TensorMut<Object<'a>, 1> {
//!     part
//! }
//! ```
//! ```compile_fail
//! use kornia_tensor::TensorMut;
//! type Any = for<'a> fn(&'a str);
//! fn narrow(part: TensorMut<Any, 1>) -> TensorMut<fn(&'static str), 1> {
//!     part
//! }
//! ```
//!
//! What lies in an archive varies as the vectors of rkyv do.
//!
#![cfg_attr(feature = "rkyv", doc = "```compile_fail")]
#![cfg_attr(not(feature = "rkyv"), doc = "```ignore")]
//! use kornia_tensor::formats::rkyv::ArchivedTensor;
//! fn shorten<'a>(t: &'a ArchivedTensor<&'static str, 1>) -> &'a ArchivedTensor<&'a str, 1> {
//!     t
//! }
//! ```
//!
//! So no part can be given what does not live as long as the elements of the others.
//!
//! ```
//! # use kornia_tensor::Tensor;
//! struct Loud<'a>(&'a str);
//! impl Drop for Loud<'_> {
//!     fn drop(&mut self) {
//!         println!("{}", self.0);
//!     }
//! }
//! let long = String::from("outlives all parts");
//! let t = Tensor::from_shape_vec([2], vec![Loud("a"), Loud("b")]).unwrap();
//! let (kept, mut part) = t.try_into_mut().unwrap_or_else(|_| panic!()).split_at(0, 1);
//! {
//!     part[[0]] = Loud(&long);
//!     drop(part);
//! }
//! drop(kept);
//! ```
//! ```compile_fail,E0597
//! # use kornia_tensor::Tensor;
//! struct Loud<'a>(&'a str);
//! impl Drop for Loud<'_> {
//!     fn drop(&mut self) {
//!         println!("{}", self.0);
//!     }
//! }
//! let t = Tensor::from_shape_vec([2], vec![Loud("a"), Loud("b")]).unwrap();
//! let (kept, mut part) = t.try_into_mut().unwrap_or_else(|_| panic!()).split_at(0, 1);
//! {
//!     let short = String::from("is gone before the other part");
//!     part[[0]] = Loud(&short);
//!     drop(part);
//! }
//! drop(kept);
//! ```
//!
//! # A view of a tensor that nobody keeps
//!
//! The cure: the view first, then the verb.
//!
//! ```
//! let t = kornia_tensor::Tensor::<u8, 2>::zeros([2, 3]);
//! let v = t.view().slice((1.., ..));
//! assert_eq!(v.shape(), &[1, 3]);
//! ```
//! ```compile_fail,E0716
//! let t = kornia_tensor::Tensor::<u8, 2>::zeros([2, 3]);
//! let v = t.slice((1.., ..)).view();
//! assert_eq!(v.shape(), &[1, 3]);
//! ```
//!
//! # What is left of a temporary view lives as long as the tensor
//!
//! These must compile: verbs and readers of a view take it by value and keep its lifetime.
//!
//! ```
//! use kornia_tensor::{Iter, Rows, Tensor, TensorView};
//!
//! fn plane<'a>(t: &'a Tensor<u8, 3>) -> &'a [u8] {
//!     t.view().slice((0, .., ..)).as_slice()
//! }
//! fn element<'a>(t: &'a Tensor<u8, 3>) -> Option<&'a u8> {
//!     t.view().flip(0).get([0, 1, 2])
//! }
//! fn turned<'a>(t: &'a Tensor<u8, 3>) -> TensorView<'a, u8, 3> {
//!     t.view().permute_axes([2, 0, 1]).unwrap().flip(1)
//! }
//! fn elements<'a>(t: &'a Tensor<u8, 3>) -> Iter<'a, u8, 2> {
//!     t.view().select(2, 0).iter()
//! }
//! fn rows<'a>(t: &'a Tensor<u8, 3>) -> Rows<'a, u8> {
//!     t.view().narrow(0, 1..).rows()
//! }
//! fn largest<'a>(t: &'a Tensor<u8, 3>) -> &'a u8 {
//!     t.view().fold(t.view().get([0, 0, 0]).unwrap(), |a, b| a.max(b))
//! }
//!
//! let t = Tensor::<u8, 3>::from_shape_fn([2, 3, 3], |[i, j, k]| (9 * i + 3 * j + k) as u8);
//! assert_eq!(plane(&t)[8], 8);
//! assert_eq!(element(&t), Some(&14));
//! assert_eq!(turned(&t)[[0, 0, 0]], 9);
//! assert_eq!(elements(&t).count(), 6);
//! assert_eq!(rows(&t).len(), 1);
//! assert_eq!(largest(&t), &17);
//! ```
//!
//! The same of a mutable view that is used up.
//!
//! ```
//! use kornia_tensor::TensorViewMut;
//!
//! fn plane<'a>(view: TensorViewMut<'a, u8, 3>) -> &'a mut [u8] {
//!     view.select(0, 1).into_mut_slice()
//! }
//! # let mut t = kornia_tensor::Tensor::<u8, 3>::zeros([2, 3, 3]);
//! # plane(t.view_mut())[8] = 1;
//! # assert_eq!(t[[1, 2, 2]], 1);
//! ```
//! ```compile_fail,E0515
//! use kornia_tensor::TensorViewMut;
//!
//! fn plane<'a>(mut view: TensorViewMut<'a, u8, 3>) -> &'a mut [u8] {
//!     view.as_mut_slice()
//! }
//! ```
//!
//! # An owned part is one of its kind, and stays within its window
//!
//! There is no second handle of its elements, no way to its storage, and cutting and joining use
//! parts up.
//!
//! ```
//! let whole = kornia_tensor::Tensor::<u8, 1>::zeros([4]).try_into_mut().unwrap();
//! let (mut front, back) = whole.split_at(0, 2);
//! front[[1]] = 1;
//! let whole = front.join(back).unwrap();
//! std::thread::spawn(move || assert_eq!(whole[[1]], 1)).join().unwrap();
//! ```
//! ```compile_fail,E0599
//! let whole = kornia_tensor::Tensor::<u8, 1>::zeros([4]).try_into_mut().unwrap();
//! let other = whole.clone();
//! ```
//! ```compile_fail,E0382
//! let whole = kornia_tensor::Tensor::<u8, 1>::zeros([4]).try_into_mut().unwrap();
//! let (front, back) = whole.split_at(0, 2);
//! whole.view();
//! ```
//! ```compile_fail,E0382
//! let whole = kornia_tensor::Tensor::<u8, 1>::zeros([4]).try_into_mut().unwrap();
//! let (front, back) = whole.split_at(0, 2);
//! let whole = front.join(back).unwrap();
//! back.view();
//! ```
//! ```compile_fail,E0382
//! let mut whole = kornia_tensor::Tensor::<u8, 1>::zeros([4]).try_into_mut().unwrap();
//! let frozen = whole.freeze();
//! whole[[0]] = 1;
//! ```
//! ```compile_fail,E0382
//! let t = kornia_tensor::Tensor::<u8, 1>::zeros([4]);
//! let whole = t.try_into_mut().unwrap();
//! t.view();
//! ```
//! ```compile_fail,E0505
//! let mut whole = kornia_tensor::Tensor::<u8, 1>::zeros([4]).try_into_mut().unwrap();
//! let mut view = whole.view_mut();
//! let parts = whole.split_into(2);
//! view.fill(1);
//! ```
//! ```compile_fail,E0499
//! let mut whole = kornia_tensor::Tensor::<u8, 1>::zeros([4]).try_into_mut().unwrap();
//! let (mut a, mut b) = (whole.view_mut(), whole.view_mut());
//! a.fill(1);
//! ```
//! ```compile_fail,E0616
//! let whole = kornia_tensor::Tensor::<u8, 1>::zeros([4]).try_into_mut().unwrap();
//! let other = whole.storage.clone();
//! ```
//! ```compile_fail,E0599
//! let whole = kornia_tensor::Tensor::<u8, 1>::zeros([4]).try_into_mut().unwrap();
//! let other = whole.storage();
//! ```
//! ```compile_fail,E0616
//! let mut part = kornia_tensor::Tensor::<u8, 1>::zeros([4]).try_into_mut().unwrap();
//! part.layout = kornia_tensor::Layout::contiguous([9], 1).unwrap();
//! ```
//! ```compile_fail,E0451
//! # use kornia_tensor::{Layout, TensorMut, TensorStorage, host_alloc};
//! let storage = TensorStorage::from_vec(vec![1u8], host_alloc());
//! let layout = Layout::contiguous([9], 1).unwrap();
//! let wide = TensorMut { storage, layout, lead: 0 };
//! ```
//! ```compile_fail,E0624
//! # use kornia_tensor::{TensorStorage, host_alloc};
//! let all = TensorStorage::from_vec(vec![1u8, 2], host_alloc());
//! let (a, b) = (all.view(0, 1).unwrap(), all.view(1, 1).unwrap());
//! let wide = a.union(&b);
//! ```
//!
//! A part that was frozen cannot be looked at beyond its window either: this returns an error.
//!
//! ```
//! let whole = kornia_tensor::Tensor::<u8, 1>::zeros([4]).try_into_mut().unwrap();
//! let (front, back) = whole.split_at(0, 2);
//! let parts = front.freeze().into_parts();
//! assert!(parts.storage.view(0, 3).is_err());
//! let wide = kornia_tensor::TensorParts { shape: [4], ..parts };
//! assert!(kornia_tensor::Tensor::try_from_parts(wide).is_err());
//! ```

#![forbid(unsafe_code)]
