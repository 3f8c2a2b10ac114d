//! Seals of the registry: proofs that an entry, or the announcements of a lease, were written by a
//! holder of the registry key, and not by a user who may only write to the registry's bucket.
//!
//! A seal binds an entry to the registry's bucket, the resource and the stack. It does not show
//! that an entry is the newest: who may write to the bucket can put back an older registry.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::declaration::Owned;
use super::lease::Lease;
use super::registry::Registry;
use crate::identity::StackName;
use crate::name::BucketName;
use crate::resource::ResourceId;
use crate::{Error, ErrorKind, Result, Secret};

/// The proof of one entry or lease: HMAC-SHA-256 in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seal(String);

/// The key of a registry, with which entries are sealed.
#[derive(Clone)]
pub struct SealKey {
    /// An HMAC with this key, over nothing yet.
    keyed: Hmac<Sha256>,
    registry: BucketName,
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealKey").field("registry", &self.registry).finish_non_exhaustive()
    }
}

impl SealKey {
    /// The minimum length of the key in bytes: 128 bits, also of a key that is text.
    const MIN_BYTES: usize = 16;

    /// Creates the key of the registry in this bucket.
    ///
    /// # Errors
    /// `InvalidConfig` for a key of fewer than 16 bytes.
    pub fn new(secret: &Secret, registry: BucketName) -> Result<Self> {
        let wrong = |why: String| Error::new(ErrorKind::InvalidConfig, why);
        if secret.expose().len() < Self::MIN_BYTES {
            let why = format!("the registry_key has fewer than {} bytes", Self::MIN_BYTES);
            return Err(wrong(why));
        }
        let keyed = Hmac::new_from_slice(secret.expose().as_bytes())
            .map_err(|error| wrong(format!("the registry_key is not usable: {error}")))?;
        Ok(Self { keyed, registry })
    }

    /// Starts an HMAC over the purpose and the registry. Every part has its length before it, so
    /// that no two sequences of parts have the same bytes.
    fn mac(&self, purpose: &str, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.keyed.clone();
        for part in [purpose.as_bytes(), self.registry.as_str().as_bytes()].iter().chain(parts) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }

    fn entry(&self, id: &ResourceId, owned: &Owned) -> Hmac<Sha256> {
        let unsealed = Owned { seal: None, ..owned.clone() };
        let json = serde_json::to_vec(&unsealed).unwrap_or_default();
        self.mac("lakewright registry entry 1", &[id.address().as_bytes(), &json])
    }

    fn lease(&self, lease: &Lease) -> Hmac<Sha256> {
        let pending = serde_json::to_vec(&lease.pending).unwrap_or_default();
        let parts = [lease.stack.as_str().as_bytes(), lease.token.as_bytes(), &pending];
        self.mac("lakewright registry lease 1", &parts)
    }
}

fn seal(mac: Hmac<Sha256>) -> Seal {
    let bytes = mac.finalize().into_bytes();
    Seal(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn is_proven(mac: Hmac<Sha256>, seal: Option<&Seal>) -> bool {
    let Some(Seal(digits)) = seal else { return false };
    let byte =
        |at: usize| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
    // The comparison takes the same time wherever the bytes differ.
    bytes.is_some_and(|bytes| mac.verify_slice(&bytes).is_ok())
}

fn same_content(one: &Owned, other: &Owned) -> bool {
    Owned { seal: None, ..one.clone() } == Owned { seal: None, ..other.clone() }
}

impl Registry {
    /// Seals what this process changes in `current`, the registry that it replaces. Unchanged
    /// entries keep their seals, so that an entry of another writer does not become a proven one.
    /// Without a key, changed entries have no seal.
    #[must_use]
    pub fn sealed(mut self, current: &Self, key: Option<&SealKey>) -> Self {
        let announced = current.lease.as_ref().filter(|lease| !lease.is_proven(key));
        for (id, owned) in &mut self.resources {
            let before = current.resources.get(id).filter(|before| same_content(before, owned));
            owned.seal = match (before, key) {
                (Some(before), _) => before.seal.clone(),
                // The recovery of an interrupted apply follows announcements that cannot be proven.
                _ if announced.is_some_and(|lease| lease.pending.contains_key(id)) => None,
                (None, key) => key.map(|key| seal(key.entry(id, owned))),
            };
        }
        if let Some(lease) = &mut self.lease {
            let same = |before: &&Lease| {
                (&before.token, &before.stack, &before.pending)
                    == (&lease.token, &lease.stack, &lease.pending)
            };
            lease.seal = match current.lease.as_ref().filter(same) {
                Some(before) => before.seal.clone(),
                None => key.map(|key| seal(key.lease(lease))),
            };
        }
        self
    }

    /// Seals all entries of a stack, and the lease: the caller vouches for them.
    #[must_use]
    pub fn vouched_for(&self, stack: &StackName, key: &SealKey) -> Self {
        let mut next = self.clone();
        for (id, owned) in next.resources.iter_mut().filter(|(_, owned)| owned.stack == *stack) {
            owned.seal = Some(seal(key.entry(id, owned)));
        }
        if let Some(lease) = &mut next.lease {
            lease.seal = Some(seal(key.lease(lease)));
        }
        if next != *self {
            next.serial += 1;
        }
        next
    }

    /// Checks that every entry of a stack, and every action on its resources that an interrupted
    /// apply announced, was written by a holder of the key.
    ///
    /// # Errors
    /// `Corrupt` with the resources whose entries cannot be proven; `InvalidConfig` for a registry
    /// with seals where there is no key.
    pub fn check_seals(&self, stack: &StackName, key: Option<&SealKey>) -> Result<()> {
        let mine = |id: &ResourceId| self.resources.get(id).is_some_and(|own| own.stack == *stack);
        let announced = self.lease.iter().flat_map(|lease| {
            let ids = lease.pending.keys();
            ids.filter(move |id| !lease.is_proven(key) && (lease.stack == *stack || mine(id)))
        });
        let Some(key) = key else {
            let sealed =
                self.resources.values().any(|own| own.stack == *stack && own.seal.is_some());
            if !sealed && self.lease.as_ref().is_none_or(|lease| lease.seal.is_none()) {
                return Ok(());
            }
            let why = format!(
                "the entries of the stack {stack} are sealed, and this profile has no \
                 registry_key to check them with"
            );
            return Err(Error::new(ErrorKind::InvalidConfig, why).on("the registry"));
        };
        let unproven = self.resources.iter().filter(|(id, owned)| {
            owned.stack == *stack && !is_proven(key.entry(id, owned), owned.seal.as_ref())
        });
        let mut unproven: Vec<String> =
            unproven.map(|(id, _)| id).chain(announced).map(ToString::to_string).collect();
        unproven.dedup();
        if unproven.is_empty() {
            return Ok(());
        }
        let why = format!(
            "these entries of the stack {stack} were not sealed with this registry_key: {}; \
             another has written them, or they are older than the key: look at them with \
             `lakewright state`, take out what is not yours with `lakewright forget`, and seal the \
             rest with `lakewright seal --stack {stack}`",
            unproven.join(", ")
        );
        Err(Error::new(ErrorKind::Corrupt, why).on("the registry"))
    }
}

impl Lease {
    fn is_proven(&self, key: Option<&SealKey>) -> bool {
        key.is_some_and(|key| is_proven(key.lease(self), self.seal.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn key(text: &str) -> SealKey {
        SealKey::new(&Secret::new(text), BucketName::new("lakewright-state").unwrap()).unwrap()
    }

    fn ours() -> SealKey {
        key("0123456789abcdef")
    }

    fn stack() -> StackName {
        StackName::new("lake").unwrap()
    }

    fn registry(resources: Value, lease: Option<Value>) -> Registry {
        let mut json = json!({"version": 1, "serial": 1, "resources": resources});
        if let Some(lease) = lease {
            json["lease"] = lease;
        }
        Registry::from_json(json.to_string().as_bytes()).unwrap()
    }

    fn entry(stack: &str) -> Value {
        json!({"stack": stack, "declared": {"secret": {"env": "S"}}, "since": "2026-01-02T03:04:05Z"})
    }

    fn lease(stack: &str, pending: Value) -> Value {
        json!({
            "token": "t", "holder": {"host": "h", "pid": 9, "process_start": 1}, "stack": stack,
            "taken": "2026-01-02T03:04:05Z", "expires": "2026-01-02T03:04:35Z", "pending": pending,
        })
    }

    fn sealed(resources: Value) -> Registry {
        registry(resources, None).sealed(&Registry::default(), Some(&ours()))
    }

    fn refusal(registry: &Registry) -> String {
        let error = registry.check_seals(&stack(), Some(&ours())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        error.to_string()
    }

    #[test]
    fn sealed_entries_are_proven_after_they_were_written_and_read() {
        let json = sealed(json!({"user/ann": entry("lake")})).to_json().unwrap();
        Registry::from_json(&json).unwrap().check_seals(&stack(), Some(&ours())).unwrap();
    }

    #[test]
    fn an_entry_of_someone_else_is_not_proven() {
        let mut forged = sealed(json!({"user/ann": entry("lake")}));
        let bob: ResourceId = "user/bob".parse().unwrap();
        let ann: ResourceId = "user/ann".parse().unwrap();
        // An entry without a seal, one with the seal of another entry, and one of another key.
        let copied = forged.resources[&ann].clone();
        let foreign = registry(json!({"user/bob": entry("lake")}), None)
            .sealed(&Registry::default(), Some(&key("another key of 16 bytes")));
        for entry in
            [Owned { seal: None, ..copied.clone() }, copied, foreign.resources[&bob].clone()]
        {
            forged.resources.insert(bob.clone(), entry);
            let text = refusal(&forged);
            assert!(text.contains("user bob") && !text.contains("user ann"), "{text}");
            // A later change of the registry does not prove it.
            let next = Registry { serial: 2, ..forged.clone() }.sealed(&forged, Some(&ours()));
            refusal(&next);
        }
        // Another stack is not concerned.
        forged.check_seals(&StackName::new("other").unwrap(), Some(&ours())).unwrap();
    }

    #[test]
    fn an_entry_moved_to_another_stack_or_registry_is_not_proven() {
        let mut moved = sealed(json!({"user/ann": entry("other")}));
        for owned in moved.resources.values_mut() {
            owned.stack = stack();
        }
        refusal(&moved);
        let elsewhere =
            SealKey::new(&Secret::new("0123456789abcdef"), BucketName::new("elsewhere").unwrap());
        let there = sealed(json!({"user/ann": entry("lake")}));
        there.check_seals(&stack(), Some(&elsewhere.unwrap())).unwrap_err();
    }

    #[test]
    fn announcements_of_someone_else_are_not_proven_nor_what_follows_from_them() {
        let create = json!({"user/bob": {"kind": "create", "declared": {"secret": {"env": "S"}}}});
        let forged = registry(json!({}), Some(lease("lake", create.clone())));
        assert!(refusal(&forged).contains("user bob"));
        // Another stack recovers the interrupted apply: the entry that follows has no seal.
        let mut next = registry(json!({"user/bob": entry("lake")}), None);
        next = next.sealed(&forged, Some(&ours()));
        refusal(&next);
        // A lease of another stack that announces a change of a resource of this stack.
        let change = json!({"user/ann": {"kind": "change", "declared": {"secret": {"env": "T"}}}});
        let mut attacked = sealed(json!({"user/ann": entry("lake")}));
        attacked.lease = registry(json!({}), Some(lease("other", change))).lease;
        assert!(refusal(&attacked).contains("user ann"));
        // The announcements of a holder of the key are proven.
        let ours_announced = registry(json!({}), Some(lease("lake", create)))
            .sealed(&Registry::default(), Some(&ours()));
        ours_announced.check_seals(&stack(), Some(&ours())).unwrap();
    }

    #[test]
    fn without_a_key_sealed_entries_are_refused_and_others_are_not() {
        let without = registry(json!({"user/ann": entry("lake")}), None);
        without.check_seals(&stack(), None).unwrap();
        assert_eq!(without.clone().sealed(&Registry::default(), None), without);
        let error = sealed(json!({"user/ann": entry("lake")})).check_seals(&stack(), None);
        assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidConfig);
    }

    #[test]
    fn entries_that_are_vouched_for_are_proven() {
        let both = json!({"user/ann": entry("lake"), "user/eve": entry("other")});
        let old = registry(both, None);
        refusal(&old);
        let vouched = old.vouched_for(&stack(), &ours());
        vouched.check_seals(&stack(), Some(&ours())).unwrap();
        vouched.check_seals(&StackName::new("other").unwrap(), Some(&ours())).unwrap_err();
        assert_eq!((vouched.serial, old.serial), (2, 1));
        assert_eq!(vouched.vouched_for(&stack(), &ours()), vouched);
    }

    #[test]
    fn a_short_key_is_refused() {
        let bucket = BucketName::new("lakewright-state").unwrap();
        let error = SealKey::new(&Secret::new("0123456789abcde"), bucket).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    }

    proptest! {
        /// No text is taken for a seal, and reading one does not panic.
        #[test]
        fn no_other_text_is_a_seal(text in ".{0,80}|[0-9a-f]{0,80}") {
            let mut forged = sealed(json!({"user/ann": entry("lake")}));
            for owned in forged.resources.values_mut() {
                owned.seal = Some(Seal(text.clone()));
            }
            prop_assert!(forged.check_seals(&stack(), Some(&ours())).is_err());
        }
    }
}
