//! rkyv archives: in place, shared, and copied out.

#![no_main]

use kornia_tensor::Tensor;
use kornia_tensor::formats::rkyv::ArchivedTensor;
use kornia_tensor_fuzz::{choose, claim};
use libfuzzer_sys::fuzz_target;
use rkyv::api::high::{HighDeserializer, HighSerializer, HighValidator};
use rkyv::bytecheck::CheckBytes;
use rkyv::rancor::Failure;
use rkyv::ser::allocator::ArenaHandle;
use rkyv::util::AlignedVec;
use rkyv::{Archive, Archived, Deserialize, Serialize};

fn access<T, const N: usize>(bytes: &[u8]) -> Result<&ArchivedTensor<Archived<T>, N>, Failure>
where
    T: Archive<Archived: for<'a> CheckBytes<HighValidator<'a, Failure>> + 'static>,
{
    rkyv::access::<ArchivedTensor<Archived<T>, N>, Failure>(bytes)
}

fn check<T, const N: usize>(input: &[u8])
where
    T: Archive<Archived: for<'a> CheckBytes<HighValidator<'a, Failure>> + 'static>
        + for<'a> Serialize<HighSerializer<AlignedVec, ArenaHandle<'a>, Failure>>,
    T::Archived: Deserialize<T, HighDeserializer<Failure>>,
{
    let write = |tensor: &Tensor<T, N>| {
        let bytes = rkyv::to_bytes::<Failure>(tensor).ok()?;
        Some(bytes.into_vec())
    };
    let read = |bytes: &[u8]| -> Option<Tensor<T, N>> {
        let mut aligned = AlignedVec::<16>::new();
        aligned.extend_from_slice(bytes);
        let archived = access::<T, N>(&aligned).ok()?;
        assert_eq!(archived.view().numel(), archived.numel());
        let in_place = archived.view_as::<T>().is_ok();
        // Elements without a size are checked, and not copied out beyond a number.
        let copied: Tensor<T, N> = rkyv::from_bytes::<_, Failure>(&aligned).ok()?;
        assert_eq!(copied.shape(), &archived.shape());
        if in_place {
            let shared = Tensor::<T, N>::from_archive_with(aligned, access::<T, N>)
                .expect("what can be read in place can be shared");
            assert_eq!(write(&shared), write(&copied));
        }
        Some(copied)
    };
    claim(input, read, write);
}

fuzz_target!(|data: &[u8]| {
    choose!(data, check);
});
