package diff

import "container/heap"

// indexHeap gives the smallest index first.
type indexHeap []int

func (h *indexHeap) push(i int) { heap.Push((*intHeap)(h), i) }
func (h *indexHeap) pop() int   { return heap.Pop((*intHeap)(h)).(int) }

type intHeap []int

func (h intHeap) Len() int           { return len(h) }
func (h intHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h intHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *intHeap) Push(x any)        { *h = append(*h, x.(int)) }
func (h *intHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
