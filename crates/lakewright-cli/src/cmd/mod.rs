//! The verbs. A noun with small verbs is one file, one with larger verbs a folder with a file
//! for each.

pub(crate) mod bucket;
pub(crate) mod completions;
pub(crate) mod declared;
pub(crate) mod embedded;
pub(crate) mod man;
pub(crate) mod object;
pub(crate) mod profile;
#[cfg(feature = "tables")]
mod rows;
#[cfg(feature = "tables")]
pub(crate) mod sql;
#[cfg(feature = "tables")]
pub(crate) mod table;
#[cfg(not(feature = "tables"))]
pub(crate) mod tableless;
pub(crate) mod wait;

use crate::args::Noun;
use crate::context::Context;
use crate::failure::Outcome;

/// Runs a verb.
pub(crate) async fn run(noun: Noun, context: &mut Context) -> Outcome {
    match noun {
        Noun::Bucket(verb) => verb.run(context).await,
        Noun::Object(verb) => verb.run(context).await,
        #[cfg(feature = "tables")]
        Noun::Table(verb) => verb.run(context).await,
        #[cfg(feature = "tables")]
        Noun::Sql(sql) => sql.run(context).await,
        #[cfg(not(feature = "tables"))]
        Noun::Table(refused) | Noun::Sql(refused) => refused.run(),
        Noun::Spec(verb) => verb.run(context),
        Noun::Plan(plan) => plan.run(context).await,
        Noun::Apply(apply) => apply.run(context).await,
        Noun::Drift(drift) => drift.run(context).await,
        Noun::State(state) => state.run(context).await,
        Noun::Adopt(adopt) => adopt.run(context).await,
        Noun::Forget(forget) => forget.run(context).await,
        Noun::Destroy(destroy) => destroy.run(context).await,
        Noun::Wait(wait) => wait.run(context).await,
        Noun::Profile(verb) => verb.run(context).await,
        Noun::Embedded(embedded) => embedded.run(context).await,
        Noun::Completions(completions) => completions.run(context),
        Noun::Man(man) => man.run(context),
    }
}
