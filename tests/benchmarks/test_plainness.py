"""Tests of passk_tasks.benchmarks.plainness: which tests can be judged apart from the candidate."""

from __future__ import annotations

import ast

import pytest

from passk_tasks.benchmarks.plainness import prove

APART = [
    "assert f([1]) is not None",
    "assert f(2) is True",
    "a=f(1)\nassert a==[1]\nb=f(2)\nassert b==[2]",
    "out=[]\nfor i in range(3): out.append(f(i))\nassert out==[0,1,2]",
    "out=[]\nfor i in range(3): out+=f(i)\nassert out==[0,1,2]",
    "res=list(map(f,[1,2]))\nassert res==[1,2]",
    "x=[1,2]\nassert f(x)==3\nassert x==[1,2]",
    "d={}\nfor w in ['a']: d[w]=f(w)\nassert d=={'a':1}",
    "assert sum(f(i) for i in range(5))==10",
    "assert all(f(i)==i for i in range(5))",
    "assert any(f(i) for i in range(5))",
    "assert f(1)+f(2)==3",
    "assert [*f(2)]==[0,1]",
    "a,b=f(1)\nassert a==1 and b==2",
    "a,*b=f(1)\nassert b==[2]",
    "(x:=f(1))\nassert x==1",
    "assert sorted(f([1]),key=lambda t:t[0])==[1]",
    "assert {f(1),f(2)}=={1,2}",
    "print(f(1))\nassert f(1)==1",
    "import copy\na=[1]\nb=copy.deepcopy(a)\nassert f(a)==b",
    "import numpy as np\na=np.arange(3)\nr=f(a)\nassert (r==a).all()",
    "import random\nx=random.random()\nassert f(x)==x",
    "def t():\n    assert f(1)==1\nt()",
    "import f",
    "while f(1)!=1: pass",
    "assert f(*[1,2],**{'a':3})==1",
    "assert (lambda g: g(1))(f)==1",
    "from functools import reduce\nassert reduce(f,[1,2,3])==6",
    "assert list(filter(f,[0,1]))==[1]",
    "r=sorted(f(1))\nr.append(3)\nassert r==[1,3]",
    "n=0\nfor x in f(3): n+=x\nassert n==3",
    "import json\nassert json.loads(f())=={'a':1}",
    "import datetime\nassert f(datetime.date(2020,1,1))==datetime.date(2020,1,2)",
    "x=[1,2,3]\nfor i in range(len(x)): assert f(x[i])==x[i]",
    "x=[[1],[2]]\nfor i in range(len(x)): assert f(x[i])==1",
    "assert f(range(10**30))==1",
    "assert tuple(f([1]))==tuple(f([1]))",
    "r=[list(f(1))]\nf(2)\nassert r==[[1]]",
    "r=(f(1),f(2))\nassert r==(1,2)",
    "assert {'k':f(1),'l':f(2)}=={'k':1,'l':2}",
    "a,b=[f(1)][0]\nassert a==1 and b==2",
    "g=f()\nassert next(g)==1\nassert list(g)==[2]",
    "r=f(1)\nfor x in r: assert x==1\nfor x in r: assert x==1",
    "assert [*f(1),*f(2)]==[1,2]",
    "assert list(zip(f(1),[1,2]))==[(1,1),(2,2)]",
    "assert list(zip('ab',map(f,'ab')))==[('a',1),('b',2)]",
    "assert dict(zip('ab',map(f,'ab')))=={'a':1,'b':2}",
    "r=[]\nfor x in 'ab': r.append((x,f(x)))\nassert r==[('a',1),('b',2)]",
    "r=[]\nfor x in 'ab': r+=[(x,f(x))]\nassert r==[('a',1),('b',2)]",
    "r={}\nfor x in 'ab': r.update({x:f(x)})\nassert r=={'a':1,'b':2}",
    "a=f(1);b=f(2)\nassert (a,b)==(1,2)",
    "import re\nassert re.match('a',f())",
    "assert isinstance(f(),object)",
    "assert type(f()) in (int,float)",
    "assert callable(f)",
    "assert eval('[1,2]')==f()",
    "g=f()\nassert next(g)==1\nassert next(g)==2",
    "d={}\nfor w in 'ab': d.setdefault(w,[]).append(f(w))\nassert d=={'a':[1],'b':[2]}",
    "counts={}\nfor i in range(3):\n    counts[f(i)]=0\n    counts[f(i)]+=1\nassert counts=={0:1,1:1,2:1}",
    "for x,y in {'a':[1]}.items(): assert f(x)==y",
    "xs=[[1],[2]]\nfor x in list(xs): assert f(x)==x",
    "xs=[([1],[2]),([2],[3])]\nfor i,(a,b) in enumerate(xs): assert f(a)==b",
    "xs=[]\nfor i in range(4): xs.append([i])\nfor i in range(4): assert f(xs[i:])==xs[:i]",
    "a=[3,1]\nb=a.copy()\nr=f(a)\nb.sort()\nassert r==b",
    "x=1 if f(1) else 2\nassert x==1",
    "x: int=f(1)\nassert x==1",
    "assert f('a,b')=='a,b'.split(',')",
    "assert f(not True, dict(), dict.fromkeys([1],0), (*[1],2))==1",
    "import random\nr=random.Random(1)\nx=r.randint(1,2)\nassert f(x)==x",
    "import random\nr=random.Random(1)\nx=r.choice([1,2])\nassert f(x)==x",
    "assert [f(i) for i in range(3) if i]==[1,2]",
    "x=f([3,1])[1:]\nassert x==[1]",
    "from math import *\nassert f(sqrt(4))==2",
    "def g(x=2,*xs,y=1,**zs): return f(x)\nassert g(*[1])==1 and g(y=3)==1",
    "x=[1,2]\nx[0]+=f(1)\nassert x==[1,2]",
    "import numpy as np\nassert np.linalg.norm(f(1))==1",
]
ONE_PROCESS = [
    "def run(t): t()\n@run\ndef t():\n    assert f.__name__\nassert f(1)==1",
    "def g():\n    assert f.__doc__\nclass A:\n    g()\nassert f(1)==1",
    "assert map(f,[1])==[1]",
    "try:\n    f()\nexcept RecursionError:\n    pass",
    "def g(): return g()\nassert f(1)==g()",
    "g=f if f(1) else len\nassert g(1)==1",
    "async def t(): assert f(1)==1\nt()",
    "assert [f(i) async for i in x]",
    "from math import nothing\nassert f(nothing)==1",
    "x=map(f,[1])\nassert x+[1]==[1]",
    "assert type(f(1))==type(f(2))",
    "assert isinstance(f(1), type(f(2)))",
    "from collections.abc import Iterable\nassert isinstance(f(1), Iterable)",
    "import statistics\nassert f(1)==statistics.mean(map(print,f))",
    "assert type('T',(),{})==f(1)",
    "x=f(1)\nf(2)\nassert f(x)==1",
    "xs=[[1]]\nys=f(xs)\nfor x in xs: x.append(2)\nassert ys==[[1]]",
    "xs={'a':[1]}\ny=f(xs)\nfor x in xs.values(): x.append(2)\nassert y==[1]",
    "xs={'a':[1]}\ny=f(xs)\nfor k,x in xs.items(): x.append(2)\nassert y==[1]",
    "a=[1]\nxs=[a]\ny=f(a)\nxs[0].append(2)\nassert y==[1]",
    "a=[1]\nxs=[a]\ny=f(a)\nxs[0]+=[2]\nassert y==[1]",
    "a=[1]\nxs=dict(k=a)\ny=f(a)\nxs['k'].append(2)\nassert y==[1]",
    "a=[[1]]\ny=f(a)\nb=list(a)\nb[0].append(2)\nassert y==[[1]]",
    "a=[[1]]\ny=f(a)\nb=a.copy()\nb[0].append(2)\nassert y==[[1]]",
    "a=[[1]]\ny=f(a)\nb=a+[]\nb[0].append(2)\nassert y==[[1]]",
    "a=[[1]]\nb=a[:]\ny=f(a)\nb[0].append(2)\nassert y==[[1]]",
    "a=[1]\ny=f(a)\n[x.append(2) for x in [a]]\nassert y==[1]",
    "def g(*xs):\n    xs[0].append(2)\na=[1]\ny=f(a)\ng(a)\nassert y==[1]",
    "import numpy as np\na=np.zeros(3)\nb=a[1:]\ny=f(a)\nb[0]=1\nassert y[1]==0",
    "import numpy as np\na=np.zeros(3)\ny=f(a)\nnp.round(a,out=a)\nassert y[1]==0",
    "r=[f(1)]\nr[0]+=[2]\nassert f(1)==[1]",
    "r=[f(1)]\nfor x in r: x+=[2]\nassert f(1)==[1]",
    "a=[]\nxs=[a]\na.append(f(1))\nf(2)\nassert xs==[[[1]]]",
    "xs=[[],[]]\nfor x in xs: x.append(f(1))\nf(2)\nassert xs==[[[1]],[[1]]]",
    "d={}\nfor w in 'ab': d.setdefault(w,[]).append(f(w))\nf(1)\nassert d=={'a':[[1]],'b':[2]}",
    "r=f([1])\nr2=f([1])\nassert r is not r2",
    "xs=[3]\nys=f(xs)\nxs[0]=4\nassert ys==[3]",
    "xs={'a':[1]}\ny=f(xs)\ny['a'].append(2)\nassert xs=={'a':[1]}",
    "import operator\nassert operator.is_(f(1), True)",
    "a=f(1)\nf(2)\nassert len(a)==1",
    "out=[]\nfor i in range(3): out.append(f(i))\nassert out==[[0],[1],[2]]",
    "res=list(map(f,[1,2]))\nassert res==[[1],[2]]",
    "x=[1,2]\nf(x)\nf([3])\nassert x==[1,2]",
    "x=[1]\ny=x\nf(x)\ny.append(2)\nassert f(x)==1",
    "def gen():\n    yield 1\nassert f(gen())==1",
    "import io,sys\nold=sys.stdout",
    "from io import StringIO\ns=StringIO()\nassert f(s)==1",
    "import os\nassert os.path.exists(f())",
    "import builtins\nbuiltins.print=lambda *a:0\nf()",
    "setattr(f,'x',1)\nassert f()==1",
    "assert hasattr(f,'x')",
    "globals()['y']=1\nassert f()==1",
    "assert f.__wrapped__",
    "assert hash(f(1))==hash(1)",
    "try:\n    f()\nexcept:\n    pass",
    "try:\n    f()\nexcept Exception as e:\n    assert 'x' in str(e)",
    "import pytest\nwith pytest.raises(ValueError):\n    f()",
    "assert f'{f(1)}'=='1'",
    "assert '%s'%f(1)=='1'",
    "assert '{}'.format(f(1))=='1'",
    "assert repr(f(1))=='1'",
    "import random\nrandom.setstate(random.getstate())\nf()",
    "import threading\nthreading.Thread(target=f).start()",
    "class T:\n    def t(self): assert f(1)==1\nT().t()",
    "f=lambda x:x\nassert f(1)==1",
    "del f",
    "x = 10\ndef g():\n    global x\n    x = f(x)\ng()",
    "from functools import partial\nassert partial(f,1)()==1",
    "r=f(1)\nr.sort()\nassert r==[1]",
    "r=f(1)\ns=r[0]\ns.append(1)\nassert r==[[1]]",
    "r=f(1)\nfor x in r: x.append(1)",
    "r=list(f(1))\nr[0].append(3)\nassert r",
    "r=f(1)\nr+=[2]\nassert r==[1,2]",
    "assert f({'a':1}).get('a')==1",
    "assert f(1).real==1",
    "from enum import Enum\nclass C(Enum):\n    A=1\nassert f(C.A)==1",
    "from collections import namedtuple\nP=namedtuple('P','x')\nassert f(P(1))==1",
    "assert f(lambda: 1)==1",
    "assert f(print)==1",
    "xs=[lambda:1]\nassert f(xs)==1",
    "d={'k':len}\nassert f(d)==1",
    "xs=[]\nxs.append(lambda:1)\nassert f(xs)==1",
    "xs=[map(str,[1])]\nfor x in xs: f(x)",
    "x=iter([1])\nassert f(x)==1",
    "assert f(x for x in [1])==1",
    "import sys\nassert sys.getsizeof(f())<99",
    "for _ in range(20000): f(1)",
    "assert all(f(i)>0 for i in range(200) for j in range(200))",
    "N=10**5\nfor i in range(N): assert f(i)==i",
    "for i in range(10**30):\n    assert f(i)==1\n    break",
    "assert f(1)==f(1)",
    "r=[f(1)]\nf(2)\nassert r==[[1]]",
    "assert [f(x) for x in 'ab']==[[1],[2]]",
    "assert [f(1),f(2)]==[[1],[2]]",
    "assert (f(1),f(2))==([1],[2])",
    "assert {'k':f(1),'l':f(2)}=={'k':[1],'l':[2]}",
    "a,b=f(1),f(2)\nassert (a,b)==([1],[2])",
    "assert list(map(f,'ab'))==[[1],[2]]",
    "assert sorted(map(f,'ab'))==[1,2]",
    "assert max(f([1]), f([2]))==2",
    "assert list(zip(f(1),f(2)))==[(1,[2])]",
    "r=f(1)\nf(2)\nn=0\nfor x in r: n+=1\nassert n==1",
    "assert list(zip(f(1),f(2)))==[(1,2)]",
    "a=f(1)\nb=f(2)\nassert all(x==1 for x in a)",
    "for x in f(1): assert f(x)==x",
    "r=[]\nr.extend(f(1)+f(2))\nassert r==[1,2]",
    "for x in f(1)+f(2): assert x==1",
    "r=[]\na=f(1)\nf(2)\nr+=a\nassert r==[1]",
    "assert [*f(1),*f(2)]==[*f(3),*f(4)]",
    "assert dict(zip('ab',map(f,'ab')))=={'a':[1],'b':[2]}",
    "assert dict([('k',f(1)),('l',f(2))])=={'k':[1],'l':[2]}",
    "r=[]\nfor x in 'ab': r+=[f(x)]\nassert r==[[1],[2]]",
    "r=[]\nfor x in 'ab': r.extend([f(x)])\nassert r==[[1],[2]]",
    "r=[]\nfor x in 'ab': r[:0]=[f(x)]\nassert r==[[1],[2]]",
    "r={}\nfor x in 'ab': r.update([(x,f(x))])\nassert r=={'a':[1],'b':[2]}",
    "r={}\nfor x in 'ab': r|={x:f(x)}\nassert r=={'a':[1],'b':[2]}",
    "a=[]\nr=[]\nr.extend([a])\na.append(f(1))\nf(2)\nassert r==[[[1]]]",
    "import logging\nlogging.disable(50)\nassert f()==1",
    "import warnings\nwarnings.warn('x')\nassert f()==1",
    "import types\nassert isinstance(f(),types.FunctionType)",
    "assert type(f(1)) is type(f(2))",
    "assert f",
    "xs=[f]\nassert xs[0](1)==1",
    "if __name__=='__main__':\n    assert f(1)==1",
    "exec('assert f(1)==1')",
    "assert eval('f(1)')==1",
    "import time\ntime.sleep(0.1)\nassert f()==1",
    "assert f(1, key=sorted)==1",
]
OBJECTS_APART = [
    "s=C()\ns.push(1)\nassert s.pop()==1",
    "assert str(C(1))=='1'",
    "a=C(1)\na.x=3\nassert a.x==3",
    "assert C(1)<C(2)",
    "assert sum(C(2))==1",
    "n=C(1)\nn.next=C(2)\nassert n.next.val==2",
    "assert C(1).go().stop().x==1",
    "s=C()\nfor i in range(3): s.push(i)\nassert [s.pop() for _ in range(3)]==[2,1,0]",
]
OBJECTS_ONE_PROCESS = [
    "assert isinstance(C(1),C)",
    "class D(C): pass\nassert D(1)",
    "assert C.__name__=='C'",
    "a=C(1)\nassert a.twin() is a",
    "s=C()\ns.items.append(1)\nassert s.items",
    "s=C()\nx=s.items\ns.push(1)\nassert x==[1]",
    "assert vars(C(1))=={}",
    "import pickle\nassert pickle.dumps(C(1))",
    "with C() as c: pass",
    "C.n=3\nassert C().n==3",
    "del C().x",
    "assert C(1).__dict__=={}",
]


@pytest.mark.parametrize("source", APART)
def test_plain_data(source: str) -> None:
    """Tests whose every construct comes out the same in two processes are proved to."""
    proof = prove(ast.parse(source), ("f",))
    assert proof.reason is None


@pytest.mark.parametrize("source", ONE_PROCESS)
def test_more_than_plain_data(source: str) -> None:
    """Tests that can tell two processes from one have a short reason."""
    reason = prove(ast.parse(source), ("f",)).reason
    assert reason
    assert len(reason) < 100


@pytest.mark.parametrize("source", OBJECTS_APART)
def test_objects_that_stay_over_there(source: str) -> None:
    """What is done to objects of a class of the candidate can be done across."""
    assert prove(ast.parse(source), ("C",), ("C",)).reason is None


@pytest.mark.parametrize("source", OBJECTS_ONE_PROCESS)
def test_classes_that_are_looked_into(source: str) -> None:
    """What looks into a class, or changes what its methods gave, needs one process."""
    assert prove(ast.parse(source), ("C",), ("C",)).reason


@pytest.mark.parametrize("source", ["def test():\n    assert f(1) == 2", "x = 1", "assert 1 == 1"])
def test_tests_that_never_reach_the_candidate(source: str) -> None:
    """It is known of tests that they never use the candidate."""
    assert not prove(ast.parse(source), ("f",)).reached


def test_long_tests_end() -> None:
    """Loops within loops do not take time without end: what takes too long to look through has a reason."""
    source = "".join(f"{' ' * i}for x{i} in [1, 2]:\n" for i in range(40)) + " " * 40 + "f(1)"
    assert prove(ast.parse(source), ("f",)).reason
