"""Names of classes that people read, from files of many forms."""

import json

import numpy as np
import pytest

from keras_cnnzoo.data import display_names, load
from keras_cnnzoo.data.imagenet import BACKGROUND, english, imagenet_classes

pytestmark = pytest.mark.once
NAMES = ("stop", "give way", "no entry")


def test_each_class_of_imagenet_has_a_name_of_its_own():
    ids = imagenet_classes(1000)
    assert list(ids) == sorted(ids)
    assert len({english(i) for i in ids}) == 1000
    assert english("n02102040") == "English springer"
    assert english("n03126707") == "crane"
    assert english("n02012849") == "crane bird"
    assert imagenet_classes(1001) == (BACKGROUND, *ids)
    assert imagenet_classes(999) is None


def test_ids_of_imagenet_are_named_and_other_words_stay():
    assert display_names(["n01440764", "n02102040"]) == ("tench", "English springer")
    assert display_names(["cat", "7", BACKGROUND]) == ("cat", "7", BACKGROUND)


FILES = {
    "names.txt": "stop\ngive way\nno entry\n",
    "numbered.txt": "0 stop\n1: give way\n2, no entry\n",
    "bom.txt": "\ufeffstop\r\ngive way\r\n\r\nno entry",
    "column.csv": "name\nstop\ngive way\nno entry\n",
    "plain.csv": "stop\ngive way\nno entry\n",
    "headed.csv": "ClassId,Name\n2,no entry\n0,stop\n1,give way\n",
    "unheaded.csv": '1,"give way"\n0,stop\n2,no entry\n',
    "wide.csv": "id,shape,label\n0,8,stop\n1,3,give way\n2,0,no entry\n",
    "tabs.tsv": "0\tstop\n1\tgive way\n2\tno entry\n",
    "list.json": json.dumps(NAMES),
    "object.json": json.dumps({"2": "no entry", "0": "stop", "1": "give way"}),
    "pairs.json": json.dumps(dict(enumerate([["a", n] for n in NAMES]))),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("classes", [("0", "1", "2"), ("a_stop", "b_way", "c_no")])
def test_a_file_names_classes_by_number_or_in_order(tmp_path, name, classes):
    path = tmp_path / name
    path.write_text(FILES[name], encoding="utf-8")
    if name == "numbered.txt" and classes[0] != "0":
        # Names that begin with a number are names.
        assert display_names(classes, path)[1] == "1: give way"
    else:
        assert display_names(classes, path) == NAMES


def test_a_file_names_folders(tmp_path):
    path = tmp_path / "classes.csv"
    path.write_text("folder,name\nb,Bee\na,Ant\nz,Zebra\n")
    assert display_names(["a", "b"], path) == ("Ant", "Bee")
    words = tmp_path / "words.txt"
    words.write_text("n01440764 a fish\nn02102040 a dog\n")
    assert display_names(["n02102040", "n01440764"], words) == ("a dog", "a fish")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "stop\n", "has 1 names, and there are 3 classes"),
        ("a.csv", "0,stop\n1,give way\n", "names no class '2'"),
        ("a.csv", "", "is empty"),
        ("a.json", "{", "is no JSON"),
        ("a.json", "3", "neither a list"),
    ],
)
def test_a_file_that_does_not_fit_is_answered(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        display_names(["0", "1", "2"], path)
    with pytest.raises(ValueError, match="There is no file of class names"):
        display_names(["0"], tmp_path / "gone.txt")


def test_a_file_beside_the_data_is_found(tmp_path):
    path = tmp_path / "signs.npz"
    np.savez(path, x_train=np.zeros((6, 4, 4), "uint8"), y_train=np.arange(6) % 3)
    assert load(path, validation=0).display_names == ("0", "1", "2")
    (tmp_path / "classes.csv").write_text(FILES["headed.csv"])
    signs = load(path, validation=0)
    assert (signs.class_names, signs.display_names) == (("0", "1", "2"), NAMES)
    given = load(path, validation=0, class_names=["a", "b", "c"])
    assert given.display_names == ("a", "b", "c")
    (tmp_path / "classes.csv").write_text("image,class\n1.png,stop\n")
    with pytest.warns(UserWarning, match="Not used for the names"):
        assert load(path, validation=0).display_names == ("0", "1", "2")
