# What a switch would do to the objects, users and policies of a host's server, before the switch.
{ writeShellApplication }:
writeShellApplication {
  name = "lakewright-plan";
  # The caller's own nix and ssh: their settings are the ones that reach the host.
  text = ''
    if [[ $# == 0 || $1 == --help ]]; then
      echo "usage: lakewright-plan HOST [SSH-TARGET]"
      echo "Plans every stack of nixosConfigurations.HOST of the flake in this folder, as it stands"
      echo "in the files, against the live server: on this machine, or on SSH-TARGET. Changes"
      echo "nothing there. Needs root where it plans, as the secrets do."
      exit
    fi
    stacks=.#nixosConfigurations.$1.config.services.lakewright.client.stacks
    target=''${2-}

    names=$(nix eval --raw "$stacks" --apply 'stacks: toString (builtins.attrNames stacks)')
    for name in $names; do
      script=$(nix build --no-link --print-out-paths "$stacks.$name.planScript")
      if [[ -n $target ]]; then
        nix copy --to "ssh://$target" "$script"
        ssh -t "$target" sudo "$script"
      elif [[ $EUID == 0 ]]; then
        "$script"
      else
        sudo "$script"
      fi
    done
  '';
  meta.description = "Plans a host's stacks against its live server";
}
