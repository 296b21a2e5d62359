/* An empty program that a layer is linked into whole: it links only when the layer needs nothing
 * but the layers that it may use. */
int main(void)
{
    return 0;
}
