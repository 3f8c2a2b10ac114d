# Shows how switching to a host's configuration would change its server.

usage() {
  cat <<'TEXT'
Show what applying a host's declared state would change on the live server. Changes nothing.

  nix run .#plan -- [--flake REF] [--on SSH] HOST [STACK...]

HOST is a name of nixosConfigurations; without STACK all of its stacks are planned that it applies.
The documents are built for the host's system: that of another kind of machine (aarch64-linux from
x86_64-linux) needs a builder of that kind, or its emulation (boot.binfmt.emulatedSystems).

--on SSH      Plan on the host itself, as root (root@lake.example.org): with its connection and the
              secrets that lie there. What `nixos-rebuild dry-activate` shows, for one who is
              elsewhere.
--flake REF   The flake that has the host; the one in this folder by default.

Without --on the plan is made from here, with the connection of whoever asks: LAKEWRIGHT_* or the
profile of profiles.toml. The secrets are not here, so users and service accounts that exist are
shown as if theirs were new.
TEXT
}

flake=.
on=
while (($#)); do
  case $1 in
    -h | --help)
      usage
      exit
      ;;
    --flake | --on)
      if (($# < 2)); then
        echo "error: $1 needs a value" >&2
        exit 2
      fi
      declare "${1#--}=$2"
      shift 2
      ;;
    -*)
      echo "error: there is no option $1; --help lists them" >&2
      exit 2
      ;;
    *) break ;;
  esac
done
if ((! $#)); then
  usage >&2
  exit 2
fi
host=$1
shift

run_nix() {
  nix --extra-experimental-features 'nix-command flakes' "$@"
}
client=$flake#nixosConfigurations.$host.config.services.lakewright.client

# Prints the store path of the derivation $2 of a stack.
built() {
  run_nix build --no-link --json "$client.stacks.\"$1\".$2" | jq --raw-output '.[0].outputs.out'
}

stacks=("$@")
if ((! $#)); then
  # shellcheck disable=SC2016 # Nix's own ${}
  names=$(run_nix eval --json "$client.stacks" --apply \
    'stacks: builtins.filter (name: stacks.${name}.enable) (builtins.attrNames stacks)')
  mapfile -t stacks < <(jq --raw-output '.[]' <<<"$names")
fi

CREDENTIALS_DIRECTORY=$(mktemp --directory)
export CREDENTIALS_DIRECTORY
trap 'rm -rf -- "$CREDENTIALS_DIRECTORY"' EXIT

for stack in "${stacks[@]}"; do
  if [[ $on ]]; then
    script=$(built "$stack" planScript)
    run_nix copy --to "ssh://$on" "$script"
    ssh -- "$on" "$script/bin/lakewright-plan-$stack"
    continue
  fi
  spec=$(built "$stack" specFile)
  jq --raw-output '(.users, .service_accounts) // {} | .[].secret.credential' "$spec" |
    while read -r credential; do
      echo not-there-yet >"$CREDENTIALS_DIRECTORY/$credential"
    done
  prune=()
  if [[ $(run_nix eval --raw "$client.stacks.\"$stack\".prune") == delete ]]; then
    prune=(--prune)
  fi
  lakewright plan "$spec" "${prune[@]}"
done
