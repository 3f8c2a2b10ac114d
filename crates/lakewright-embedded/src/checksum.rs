//! S3's checksums: the algorithms, and how the checksums of parts combine into that of an object
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
use s3s::dto::{ChecksumAlgorithm, ChecksumType};
use serde::{Deserialize, Serialize};

/// An algorithm of `x-amz-checksum-*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

/// The input of a multipart object's checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChecksumKind {
    /// The checksums of the parts, concatenated.
    Composite,
    /// The bytes of the object.
    FullObject,
}

impl ChecksumKind {
    pub(crate) fn dto(self) -> ChecksumType {
        ChecksumType::from_static(match self {
            Self::Composite => ChecksumType::COMPOSITE,
            Self::FullObject => ChecksumType::FULL_OBJECT,
        })
    }

    pub(crate) fn from_dto(kind: &ChecksumType) -> Option<Self> {
        [Self::Composite, Self::FullObject].into_iter().find(|known| known.dto() == *kind)
    }
}

impl Algorithm {
    pub(crate) const ALL: [Self; 5] =
        [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    /// Returns S3's name of the algorithm, as in `x-amz-checksum-algorithm`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// Returns the name of the header or trailer that carries the value.
    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    pub(crate) fn dto(self) -> ChecksumAlgorithm {
        ChecksumAlgorithm::from_static(self.name())
    }

    pub(crate) fn from_dto(algorithm: &ChecksumAlgorithm) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == algorithm.as_str())
    }

    /// Returns the length of a value in bytes.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// Returns the checksum type of a multipart object for which the client requests none.
    pub(crate) fn default_kind(self) -> ChecksumKind {
        match self {
            Self::Crc64Nvme => ChecksumKind::FullObject,
            Self::Crc32 | Self::Crc32c | Self::Sha1 | Self::Sha256 => ChecksumKind::Composite,
        }
    }

    /// Returns whether a multipart object can have this checksum type: SHA hashes of parts cannot
    /// be combined into that of the object, and CRC-64 has no composite form.
    pub(crate) fn allows(self, kind: ChecksumKind) -> bool {
        match self {
            Self::Crc64Nvme => kind == ChecksumKind::FullObject,
            Self::Crc32 | Self::Crc32c => true,
            Self::Sha1 | Self::Sha256 => kind == ChecksumKind::Composite,
        }
    }

    /// Decodes a base64 value, if it has the right length.
    pub(crate) fn parse(self, value: &str) -> Option<Vec<u8>> {
        STANDARD.decode(value).ok().filter(|bytes| bytes.len() == self.bytes())
    }

    fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Self::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Self::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Self::Sha1 | Self::Sha256 => None,
        }
    }

    /// Computes the checksum of an object from those of its parts (value and size), without the
    /// bytes. `None` when a value does not belong to this algorithm, or the algorithm cannot
    /// combine.
    pub(crate) fn combine(self, kind: ChecksumKind, parts: &[(&str, u64)]) -> Option<String> {
        let values: Vec<Vec<u8>> =
            parts.iter().map(|(value, _)| self.parse(value)).collect::<Option<_>>()?;
        match kind {
            ChecksumKind::Composite => {
                let mut hasher = Hasher::new(self);
                hasher.update(&values.concat());
                Some(format!("{}-{}", hasher.finish(), parts.len()))
            }
            ChecksumKind::FullObject => {
                let crc = self.crc()?;
                let number = |bytes: &[u8]| {
                    bytes.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte))
                };
                let (combined, _) = values
                    .iter()
                    .zip(parts)
                    .map(|(value, (_, size))| (number(value), *size))
                    .reduce(|(a, size), (b, more)| {
                        (crc_fast::checksum_combine(crc, a, b, more), size + more)
                    })?;
                Some(STANDARD.encode(&combined.to_be_bytes()[8 - self.bytes()..]))
            }
        }
    }
}

/// The state of an incremental checksum.
pub(crate) struct Hasher {
    algorithm: Algorithm,
    state: State,
}

enum State {
    Crc32(Crc32),
    Crc32c(Crc32c),
    Crc64Nvme(Crc64Nvme),
    Sha1(Box<Sha1>),
    Sha256(Box<Sha256>),
}

impl Hasher {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let state = match algorithm {
            Algorithm::Crc32 => State::Crc32(Crc32::new()),
            Algorithm::Crc32c => State::Crc32c(Crc32c::new()),
            Algorithm::Crc64Nvme => State::Crc64Nvme(Crc64Nvme::new()),
            Algorithm::Sha1 => State::Sha1(Box::new(Sha1::new())),
            Algorithm::Sha256 => State::Sha256(Box::new(Sha256::new())),
        };
        Self { algorithm, state }
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Crc32(state) => state.update(bytes),
            State::Crc32c(state) => state.update(bytes),
            State::Crc64Nvme(state) => state.update(bytes),
            State::Sha1(state) => state.update(bytes),
            State::Sha256(state) => state.update(bytes),
        }
    }

    /// Returns the value in base64.
    pub(crate) fn finish(self) -> String {
        match self.state {
            State::Crc32(state) => STANDARD.encode(state.finalize()),
            State::Crc32c(state) => STANDARD.encode(state.finalize()),
            State::Crc64Nvme(state) => STANDARD.encode(state.finalize()),
            State::Sha1(state) => STANDARD.encode(state.finalize()),
            State::Sha256(state) => STANDARD.encode(state.finalize()),
        }
    }
}

/// Collects the five checksum fields of an S3 request into `(algorithm, value)` pairs.
macro_rules! given_checksums {
    ($input:expr) => {
        [
            ($crate::checksum::Algorithm::Crc32, $input.checksum_crc32.clone()),
            ($crate::checksum::Algorithm::Crc32c, $input.checksum_crc32c.clone()),
            ($crate::checksum::Algorithm::Crc64Nvme, $input.checksum_crc64nvme.clone()),
            ($crate::checksum::Algorithm::Sha1, $input.checksum_sha1.clone()),
            ($crate::checksum::Algorithm::Sha256, $input.checksum_sha256.clone()),
        ]
    };
}

/// Sets the one of the five checksum fields of an S3 response that belongs to the algorithm.
macro_rules! set_checksum {
    ($output:expr, $algorithm:expr, $value:expr) => {
        match $algorithm {
            $crate::checksum::Algorithm::Crc32 => $output.checksum_crc32 = Some($value),
            $crate::checksum::Algorithm::Crc32c => $output.checksum_crc32c = Some($value),
            $crate::checksum::Algorithm::Crc64Nvme => $output.checksum_crc64nvme = Some($value),
            $crate::checksum::Algorithm::Sha1 => $output.checksum_sha1 = Some($value),
            $crate::checksum::Algorithm::Sha256 => $output.checksum_sha256 = Some($value),
        }
    };
}
pub(crate) use {given_checksums, set_checksum};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(algorithm: Algorithm, bytes: &[u8]) -> String {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }

    /// The check values of the CRC catalogue (reveng.sourceforge.io/crc-catalogue) and FIPS 180.
    #[test]
    fn check_values_of_the_standards() {
        for (algorithm, value) in [
            (Algorithm::Crc32, "y/Q5Jg=="),
            (Algorithm::Crc32c, "4waSgw=="),
            (Algorithm::Crc64Nvme, "rosUhgp5mIg="),
            (Algorithm::Sha1, "98O8HYCOBHMq32eZZczDTKeuNEE="),
            (Algorithm::Sha256, "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
        ] {
            assert_eq!(sum(algorithm, b"123456789"), value, "{algorithm:?}");
            assert_eq!(algorithm.parse(value).unwrap().len(), algorithm.bytes());
        }
    }

    proptest! {
        #[test]
        fn crcs_of_parts_combine_to_that_of_the_object(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 1..5),
        ) {
            for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
                let sums: Vec<_> = parts.iter().map(|part| sum(algorithm, part)).collect();
                let pairs: Vec<_> =
                    sums.iter().zip(&parts).map(|(s, p)| (s.as_str(), p.len() as u64)).collect();
                prop_assert_eq!(
                    algorithm.combine(ChecksumKind::FullObject, &pairs),
                    Some(sum(algorithm, &parts.concat()))
                );
            }
        }
    }
}
