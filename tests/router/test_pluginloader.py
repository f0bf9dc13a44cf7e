import gc
from pathlib import Path

import pytest

import plugins
from plugins.rate_limit import RateLimit
from plugins.security_headers import SecurityHeaders
from router.pluginloader import PluginError, find, names, option_names, plugin_name

GOOD = """
from dataclasses import dataclass

@dataclass
class Greeting:
    text: str = "hello"

    def on_request(self, view):
        return None
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a package with one module, registering `name`; as pip would leave it."""

    def done(package: str, name: str, code: str = GOOD, attribute: str = "Greeting") -> None:
        place = tmp_path / package
        info = place / f"{package}-1.0.dist-info"
        info.mkdir(parents=True)
        (place / f"{package}.py").write_text(code)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[inseam.plugins]\n{name} = {package}:{attribute}\n")
        monkeypatch.syspath_prepend(place)

    return done


@pytest.fixture
def ship(tmp_path, monkeypatch):
    """Put one more file among the shipped plugins."""
    monkeypatch.setattr(plugins, "__path__", [*plugins.__path__, str(tmp_path)])

    def done(file: str, code: str) -> None:
        Path(tmp_path, file).write_text(code)

    return done


def test_a_shipped_plugin_is_found_by_the_name_of_its_file():
    assert find("rate-limit") is RateLimit
    assert find("security-headers") is SecurityHeaders


@pytest.mark.parametrize("name", ["rate_limit", "Rate-Limit", "rate-limits", "", "-", "rate--limit", "a/b", "x y", "ä"])
def test_a_name_that_nobody_has_is_not_found(name):
    assert find(name) is None


def test_all_names_are_listed_in_order(install):
    install("loader_one", "a-greeting")

    assert names() == sorted({*names(), "a-greeting", "rate-limit", "maintenance", "request-id"})
    assert not [name for name in names() if name.startswith("-")]


def test_an_installed_package_registers_its_own(install):
    install("loader_two", "greeting")

    found = find("greeting")

    assert found.__module__ == "loader_two"
    assert option_names(found) == ["text"]
    assert plugin_name(found()) == "greeting"


@pytest.mark.parametrize("name", ["os:system", "package.module:Class", "subprocess.Popen"])
def test_a_rules_file_cannot_name_just_any_code(name):
    with pytest.raises(PluginError, match="any code of the machine") as caught:
        find(name)

    assert "entry-point group inseam.plugins" in caught.value.hint


def test_a_package_cannot_take_over_a_shipped_name(install):
    install("loader_three", "rate-limit")

    assert find("rate-limit") is RateLimit


def test_two_packages_with_one_name_are_told_apart_by_the_operator(install):
    install("loader_four", "twice")
    install("loader_five", "twice")

    with pytest.raises(PluginError, match="registered by loader_five and loader_four") as caught:
        find("twice")

    assert "uninstall" in caught.value.hint


def test_one_package_that_is_listed_twice_is_one(install, tmp_path, monkeypatch):
    install("loader_six", "listed-twice")
    monkeypatch.syspath_prepend(tmp_path / "loader_six" / ".")

    assert find("listed-twice").__name__ == "Greeting"


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import no_such_module_anywhere", "ModuleNotFoundError: No module named 'no_such_module_anywhere'"),
        ("this is no python", "SyntaxError"),
        ("x = 1 / 0", "ZeroDivisionError: division by zero"),
        ("Other = 1", "AttributeError"),
    ],
)
def test_a_package_that_cannot_be_imported_is_named_with_its_reason(install, code, says, request):
    package = f"loader_bad_{abs(hash(code))}"
    install(package, "bad", code)

    with pytest.raises(PluginError, match=f"plugin 'bad' of {package} cannot be imported: .*{says}") as caught:
        find("bad")

    assert caught.value.hint == f"repair or uninstall {package}"
    assert caught.value.__cause__ is not None


def test_a_shipped_file_that_cannot_be_imported_is_named_with_its_reason(ship):
    ship("broken_one.py", "import no_such_module_anywhere")
    ship("broken_two.py", "")

    with pytest.raises(PluginError, match="'broken-one' cannot be imported: ModuleNotFoundError"):
        find("broken-one")
    with pytest.raises(PluginError, match=r"'broken-two' cannot be imported: AttributeError.*PLUGIN"):
        find("broken-two")


def test_a_file_that_begins_with_an_underscore_is_no_plugin(ship):
    ship("_helper.py", GOOD)

    assert find("-helper") is None
    assert "-helper" not in names()


DATACLASS = "from dataclasses import dataclass\n\n@dataclass\nclass Greeting:\n    text: str = ''\n"


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("def Greeting(): pass", "is not a dataclass"),
        ("class Greeting:\n    def on_request(self, view): pass", "is not a dataclass"),
        (DATACLASS, "has no hook"),
        (DATACLASS + "    async def on_request(self, view): pass", "on_request must not be async"),
        (DATACLASS + "    async def on_response(self, view, response): pass", "on_response must not be async"),
        (DATACLASS + "    def on_request_waiting(self, view): pass", "on_request_waiting must be async"),
        (DATACLASS + "    async def on_request_waiting(self, view): pass", "has no budget and no otherwise"),
        (DATACLASS + "    budget = 1.0\n    async def on_request_waiting(self, view): pass", "has no otherwise"),
    ],
)
def test_a_class_that_is_no_plugin_is_refused_with_a_way_out(install, code, says):
    install(f"loader_odd_{abs(hash(code))}", "odd", code)

    with pytest.raises(PluginError, match=f"plugin 'odd'.*{says}") as caught:
        find("odd")

    assert caught.value.hint


def test_a_plugin_that_waits_may_keep_budget_and_otherwise_as_fields_or_attributes(install):
    waiting = (
        DATACLASS + "    budget: float = 1.0\n    otherwise = None\n    async def on_request_waiting(self, view): 0"
    )
    install("loader_waits", "waits", waiting)

    assert option_names(find("waits")) == ["text", "budget"]


def test_state_is_no_option():
    assert "_whole" not in option_names(RateLimit)
    assert option_names(RateLimit)[:2] == ["per_minute", "burst"]


def test_a_plugin_made_by_hand_is_named_after_its_class():
    class TwoWords:
        pass

    assert plugin_name(TwoWords()) == "two-words"
    del TwoWords
    gc.collect()
