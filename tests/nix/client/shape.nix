# The shape of a stack's options, in the notation to which test_client.py converts the schema.
{ lib }:
let
  spec = import ../../../nix/lib/spec { inherit lib; };
  json = spec.types.json.description;
  shape =
    type:
    if type.description == json then
      "anything"
    else
      {
        bool = "flag";
        # The integers with bounds, such as ints.positive.
        int = "number";
        positiveInt = "number";
        unsignedInt = "number";
        str = "text";
        nullOr = shape type.nestedTypes.elemType;
        enum.words = lib.sort lib.lessThan type.functor.payload.values;
        attrsOf.map = shape type.nestedTypes.elemType;
        listOf.list = shape type.nestedTypes.elemType;
        either.either = map shape [
          type.nestedTypes.left
          type.nestedTypes.right
        ];
        submodule.fields = fields (type.getSubOptions [ ]);
      }
      .${type.name} or (
        if lib.hasPrefix "strMatching" type.name || type.name == "nonEmptyStr" then
          "text"
        else
          throw "no shape for ${type.name}"
      );
  fields =
    options:
    lib.mapAttrs' (
      name: option:
      lib.nameValuePair (spec.snakeCase name) {
        shape = shape option.type;
        nullable = option.type.name == "nullOr";
        needed = !(option ? default);
      }
    ) (spec.fields options);
in
fields spec.stack
